// Where a participant of a loop takes its grains from, in which order, what it leaves out when the
// loop ends early, and when more threads come.
#include "support.hpp"

#include <parallel/detail/loop/run_loop.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/serial.hpp>
#include <parallel/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <latch>
#include <mutex>
#include <numeric>
#include <ranges>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using parallel::detail::cost_model;
using parallel::detail::first_error;
using parallel::detail::loop;
using parallel::detail::loop_body;

namespace {

struct course {
  cost_model* model = nullptr;
  std::size_t expensive = SIZE_MAX;           // the element that takes a millisecond
  std::size_t fails = SIZE_MAX;               // the one that throws
  std::vector<std::size_t>* chunks = nullptr; // where to note how many elements each chunk has
};

/// The elements that slot 2 of 3 runs, in order, when no other thread comes; `n` in grains of one.
std::vector<std::size_t> run_by_the_last_slot(std::size_t n, const course& what = {}) {
  std::vector<std::size_t> order;
  const auto body = [&](std::size_t begin, std::size_t end) {
    if (what.chunks != nullptr)
      what.chunks->push_back(end - begin);
    for (; begin != end; ++begin) {
      order.push_back(begin);
      if (begin == what.fails)
        throw begin;
      const auto start = std::chrono::steady_clock::now();
      while (begin == what.expensive && std::chrono::steady_clock::now() - start < 1ms) {
      }
    }
  };
  parallel::detail::scheduler idle_pool({.threads = 3}, parallel::detail::make_loop);
  loop work(3);
  work.prepare(loop_body(body), 0, n, 1, what.model, 3, &idle_pool);
  parallel::detail::loop_counts counts;
  work.help(2, counts);
  return order;
}

constexpr std::size_t a_billion = 1'000'000'000;

/// A loop of a billion grains for three threads, none of which has been run.
struct endless_loop {
  template <class Body>
  explicit endless_loop(const Body& body) {
    work.prepare(loop_body(body), 0, a_billion, 1, nullptr, 3, &idle_pool);
  }

  parallel::detail::scheduler idle_pool{{.threads = 3}, parallel::detail::make_loop};
  loop work{3};
};

/// Counts how often it is asked once the flag is set.
struct counting_token {
  std::atomic<bool>* requested;
  std::atomic<std::size_t>* asked;
  [[nodiscard]] bool stop_requested() const {
    const bool stops = requested->load();
    if (stops)
      ++*asked;
    return stops;
  }
};

/// How often a call over a billion elements asks its stop token after element 0 has requested the
/// stop.
template <class Executor>
std::size_t asked_after_a_stop(Executor& executor, typename Executor::call_options options) {
  std::atomic<bool> requested{false};
  std::atomic<std::size_t> asked{0};
  options.stop = counting_token{&requested, &asked};
  CHECK_THROWS_AS(parallel::for_each(
                      executor, std::views::iota(std::size_t{0}, a_billion),
                      [&](std::size_t i) {
                        if (i == 0)
                          requested = true;
                      },
                      options),
                  parallel::stopped);
  return asked;
}

/// A pool of four, some of whose workers are busy with a task each; the others sleep.
class busy_pool {
 public:
  explicit busy_pool(std::size_t busy) : begun_(static_cast<std::ptrdiff_t>(busy)) {
    start_all();
    for (std::size_t i = 0; i < busy; ++i)
      REQUIRE(all.post(tasks_[i]) == parallel::detail::scheduler::posted::queued);
    begun_.wait();
    for (std::size_t asleep = 0; asleep + busy < 3; std::this_thread::yield()) {
      asleep = 0;
      all.for_each_started_worker([&](const parallel::detail::worker& each) {
        asleep += each.parks.get() > each.wakes.get() ? 1 : 0;
      });
    }
  }
  busy_pool(const busy_pool&) = delete;
  busy_pool& operator=(const busy_pool&) = delete;
  ~busy_pool() { end_.count_down(); }

 private:
  struct task final : parallel::detail::queued_task {
    explicit task(busy_pool& by) : of(by) {}
    void run() noexcept override {
      of.begun_.count_down();
      of.end_.wait();
    }
    void discard() noexcept override {}
    busy_pool& of;
  };

  /// By a loop whose elements wait for each other.
  void start_all() {
    std::atomic<int> here{0};
    const auto meet = [&](std::size_t, std::size_t) {
      for (++here; here != 4; std::this_thread::yield()) {
      }
    };
    parallel::detail::share(all, loop_body(meet), 0, 4, 1, nullptr);
  }

  std::latch begun_;
  std::latch end_{1};
  task tasks_[2] = {task(*this), task(*this)};

 public:
  parallel::detail::scheduler all{{.threads = 4}, parallel::detail::make_loop}; // ends first
};

/// Elements that take `time` each until a second thread has come to run them; counts the threads.
class expensive_elements {
 public:
  explicit expensive_elements(std::chrono::milliseconds time = 5ms) : time_(time) {}

  void operator()(std::size_t begin, std::size_t end) const {
    for (; begin != end; ++begin) {
      const auto start = std::chrono::steady_clock::now();
      for (bool alone = true; alone && std::chrono::steady_clock::now() < start + time_;) {
        const std::lock_guard lock(guard_);
        threads_.insert(std::this_thread::get_id());
        alone = threads_.size() < 2;
      }
    }
  }
  [[nodiscard]] std::size_t threads() const { return threads_.size(); }

 private:
  std::chrono::milliseconds time_;
  mutable std::mutex guard_;
  mutable std::set<std::thread::id> threads_;
};

/// Elements of very different costs, all called through one type of function pointer.
struct shared_function {
  static void cheap(int) {}
  static void expensive(int) { (*elements)(0, 1); }
  static inline expensive_elements* elements = nullptr;
};

} // namespace

TEST_CASE("a thief steals half of the fullest slot") {
  const std::vector<std::size_t> order = run_by_the_last_slot(27);
  const std::vector<std::size_t> stolen(order.begin() + 9, order.begin() + 23);
  CHECK(stolen == std::vector<std::size_t>{8, 4, 5, 6, 7,      // half of slot 0's
                                           17, 13, 14, 15, 16, // half of slot 1's
                                           3, 2, 12, 11});
}

TEST_CASE("the last slot begins with the last element and goes on from the front of its share") {
  const std::vector<std::size_t> order = run_by_the_last_slot(27);
  const std::vector<std::size_t> own(order.begin(), order.begin() + 9);
  CHECK(own == std::vector<std::size_t>{26, 18, 19, 20, 21, 22, 23, 24, 25});
}

TEST_CASE("the last slot goes on from the back if the last element is expensive") {
  cost_model known(125);
  const std::vector<std::size_t> order =
      run_by_the_last_slot(27, {.model = &known, .expensive = 26});
  CHECK(order[0] == 26);
  CHECK(order[1] == 25);
}

TEST_CASE("a thief goes on from the back of a stolen range if that is expensive") {
  cost_model known(125);
  const std::vector<std::size_t> order =
      run_by_the_last_slot(27, {.model = &known, .expensive = 8});
  CHECK(order[9] == 8);
  CHECK(order[10] == 7);
}

TEST_CASE("a thief probes one grain at the back of a stolen range, then one at its front") {
  cost_model known(1'000);
  std::vector<std::size_t> chunks;
  const std::vector<std::size_t> order =
      run_by_the_last_slot(300, {.model = &known, .chunks = &chunks});
  CHECK(order[100] == 99); // its own share has a hundred
  std::size_t stolen = 0;
  for (std::size_t own = 0; own < 100; ++stolen)
    own += chunks[stolen];
  CHECK(chunks[stolen] == 1);
  CHECK(chunks[stolen + 1] == 1);
}

TEST_CASE(
    "the last slot still runs lower elements when the last one, with which it begins, fails") {
  std::vector<std::size_t> order = run_by_the_last_slot(27, {.fails = 26});
  std::sort(order.begin(), order.end());
  CHECK(order.size() == 27);
}

TEST_CASE("a slot leaves out the elements above one that fails") {
  std::vector<std::size_t> order = run_by_the_last_slot(27, {.fails = 20});
  std::sort(order.begin(), order.end());
  CHECK(order.size() == 22); // 0 to 20, and 26
  CHECK(order[20] == 20);
  CHECK(order[21] == 26);
}

TEST_CASE("a participant runs the shares of threads that do not come") {
  std::vector<std::size_t> order = run_by_the_last_slot(1'000);
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> all(1'000);
  std::iota(all.begin(), all.end(), 0);
  CHECK(order == all);
}

TEST_CASE("participants take nothing of a billion grains once the first element has failed") {
  const auto fails_at_0 = [](std::size_t begin, std::size_t) {
    if (begin == 0)
      throw std::runtime_error("0");
  };
  endless_loop all(fails_at_0);
  all.work.participate();
  CHECK(all.work.owner_counts().chunks.get() == 1);
  parallel::detail::loop_counts counts;
  all.work.help(2, counts);
  CHECK(all.work.help_without_slot(counts, [] { return true; }));
  CHECK(counts.chunks.get() == 0);
  CHECK(all.work.take_error() != nullptr);
}

TEST_CASE("participants take nothing of a billion grains once the body has ended the loop") {
  const auto ends_at_once = [](std::size_t, std::size_t) { return false; };
  endless_loop all(ends_at_once);
  parallel::detail::loop_counts counts;
  all.work.help(2, counts);
  CHECK(counts.chunks.get() == 1);
  all.work.participate();
  CHECK(all.work.help_without_slot(counts, [] { return true; }));
  CHECK(counts.chunks.get() == 1);
  CHECK(all.work.owner_counts().chunks.get() == 0);
  CHECK(all.work.take_error() == nullptr);
}

TEST_CASE("each element below a failed one runs once, one above it at most once") {
  constexpr std::size_t n = 3'000;
  for (std::size_t round = 0; round < 200; ++round) {
    const std::size_t fails = round * 15;
    std::vector<std::atomic<int>> runs(n);
    const auto body = [&](std::size_t begin, std::size_t end) {
      for (; begin != end; ++begin) {
        ++runs[begin];
        if (begin == fails || begin == fails + 100)
          throw begin;
      }
    };
    parallel::detail::scheduler idle_pool({.threads = 3}, parallel::detail::make_loop);
    loop work(3);
    work.prepare(loop_body(body), 0, n, 1, nullptr, 3, &idle_pool);
    std::vector<std::thread> helpers;
    for (std::uint32_t slot = 1; slot < 3; ++slot)
      helpers.emplace_back([&, slot] {
        parallel::detail::loop_counts counts;
        work.help(slot, counts);
      });
    work.participate();
    for (std::thread& each : helpers)
      each.join();
    bool right = true;
    for (std::size_t i = 0; i < n; ++i)
      right = right && (i <= fails ? runs[i] == 1 : runs[i] <= 1);
    REQUIRE(right);
    try {
      std::rethrow_exception(work.take_error());
    } catch (std::size_t lowest) {
      REQUIRE(lowest == fails);
    }
  }
}

TEST_CASE("a stop ends a call over a billion elements without asking for each") {
  for (const std::size_t threads : {1U, 2U, 4U}) {
    parallel::thread_pool pool(threads);
    for (const std::size_t grain : {0U, 1U, 1'000U})
      CHECK(asked_after_a_stop(pool, {.grain = grain}) < 100);
    CHECK(asked_after_a_stop(pool, {.grain = 1, .progress = [](const parallel::progress&) {}}) <
          100);
  }
  CHECK(asked_after_a_stop(parallel::serial, {.grain = 1}) < 100);
  parallel::io_pool io({.max_threads = 4});
  CHECK(asked_after_a_stop(io, {}) < 100);
  CHECK(asked_after_a_stop(io, {.in_flight = 2, .rate = 1e9}) < 100);
}

TEST_CASE(
    "a deadline that has passed ends a call over a billion elements without a walk through them") {
  const auto elements = std::views::iota(std::size_t{0}, a_billion);
  const auto nothing = [](std::size_t) {};
  for (const std::size_t threads : {1U, 2U, 4U}) {
    parallel::thread_pool pool(threads);
    for (const std::size_t grain : {0U, 1U, 1'000U})
      CHECK_THROWS_AS(
          parallel::for_each(pool, elements, nothing, {.grain = grain, .deadline = 0ms}),
          parallel::deadline_exceeded);
  }
  parallel::io_pool io({.max_threads = 4});
  CHECK_THROWS_AS(parallel::for_each(io, elements, nothing, {.deadline = 0ms}),
                  parallel::deadline_exceeded);
}

TEST_CASE("an element's exception wins over the end of its loop, the lowest over the others") {
  first_error error;
  error.end_all();
  CHECK(error.precedes(0));
  error.record(5, std::make_exception_ptr(5));
  error.record(3, std::make_exception_ptr(3));
  error.record(4, std::make_exception_ptr(4));
  CHECK(error.limit() == 0);
  try {
    std::rethrow_exception(error.take());
  } catch (int lowest) {
    CHECK(lowest == 3);
  }
  CHECK_FALSE(error.precedes(SIZE_MAX - 1));
  CHECK(error.take() == nullptr);
}

TEST_CASE("a call site learns nothing from a call whose body ends it") {
  parallel::detail::scheduler pool({.threads = 2}, parallel::detail::make_loop);
  const auto ends_at_once = [](std::size_t, std::size_t) { return false; };
  cost_model known(10'000);
  for (int call = 0; call < 100; ++call)
    parallel::detail::run_loop(pool, &known, 1'000, 0, loop_body(ends_at_once));
  CHECK(known.estimate() == 10'000);
  CHECK(known.shared_estimate() == 10'000);
  CHECK(known.break_even_ns() == cost_model(10'000).break_even_ns());
}

TEST_CASE("elements that have become expensive get a sleeping worker while others are busy") {
  const std::size_t busy = GENERATE(std::size_t{1}, 2U);
  const double remembered = GENERATE(0.0, 1.0, 15.0, 30.0, 100.0); // of 2,000
  busy_pool pool(busy);
  cost_model model(remembered);
  const expensive_elements elements;
  parallel::detail::run_loop(pool.all, &model, 2'000, 0, loop_body(elements));
  CHECK(elements.threads() >= 2);
}

TEST_CASE("few elements that have become expensive get a sleeping worker while others are busy") {
  const std::size_t busy = GENERATE(std::size_t{1}, 2U);
  busy_pool pool(busy);
  cost_model model(3'000);
  const expensive_elements elements(300ms);
  parallel::detail::run_loop(pool.all, &model, 10, 0, loop_body(elements));
  CHECK(elements.threads() >= 2);
}

TEST_CASE("a function of a type whose others are cheap gets more threads while a worker is busy") {
  parallel::thread_pool pool(4);
  void (*function)(int) = shared_function::cheap;
  const std::vector<int> xs = test::numbers(2'000);
  std::latch begun(1);
  std::latch end(1);
  auto task = pool.submit([&] {
    begun.count_down();
    end.wait();
  });
  begun.wait();
  std::size_t least = SIZE_MAX;
  for (int round = 0; round < 5; ++round) {
    for (int call = 0; call < 100; ++call)
      parallel::for_each(pool, xs, function);
    expensive_elements elements;
    shared_function::elements = &elements;
    parallel::for_each(pool, xs, shared_function::expensive);
    least = std::min(least, elements.threads());
  }
  end.count_down();
  task.get();
  CHECK(least >= 2);
}
