// imap: results in order, one by one, a bounded number of elements ahead.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/imap.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/serial.hpp>
#include <parallel/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <functional>
#include <future>
#include <iterator>
#include <latch>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using parallel::imap;
using parallel::imap_unordered;
using test::numbers;
using test::same;
using test::token;

namespace {

/// A single-pass range of the numbers from 0, without an end or up to one. It counts the elements
/// that have been taken, and throws at `fails_at`.
class source {
 public:
  explicit source(std::atomic<int>& taken, int end = -1, int fails_at = -1)
      : taken_(&taken), end_(end), fails_at_(fails_at) {}

  class iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit iterator(source& from) : from_(&from) { take(); }
    int operator*() const { return from_->next_ - 1; }
    iterator& operator++() {
      take();
      return *this;
    }
    void operator++(int) { take(); }
    friend bool operator==(const iterator& i, std::default_sentinel_t) { return i.at_end(); }

   private:
    void take() {
      if (from_->next_ == from_->fails_at_)
        throw std::range_error("source");
      ++from_->next_;
      ++*from_->taken_;
    }
    [[nodiscard]] bool at_end() const { return from_->next_ == from_->end_ + 1; }

    source* from_;
  };

  iterator begin() { return iterator(*this); }
  [[nodiscard]] static std::default_sentinel_t end() { return {}; }

 private:
  friend class iterator;
  std::atomic<int>* taken_;
  int next_ = 0;
  int end_;
  int fails_at_;
};

/// A stop token that requests nothing, and keeps something alive.
struct keeper {
  std::shared_ptr<int> kept;
  [[nodiscard]] bool stop_requested() const { return *kept == 0; }
};

/// An executor with that number of threads.
template <class E>
E make(std::size_t threads) {
  if constexpr (std::is_same_v<E, parallel::io_pool>)
    return E({.max_threads = threads});
  else
    return E(threads);
}

template <class View>
std::vector<int> all_of(View&& view) {
  std::vector<int> results;
  for (auto&& result : view)
    results.push_back(result);
  return results;
}

/// Goes through an imap over `xs` whose deadline has passed.
struct expired_imap {
  template <class E, class R>
  static void of(E& executor, R xs) {
    all_of(
        imap(executor, std::move(xs), same, {.in_flight = 2, .deadline = std::chrono::seconds(0)}));
  }
};
struct expired_imap_unordered {
  template <class E, class R>
  static void of(E& executor, R xs) {
    all_of(imap_unordered(executor, std::move(xs), same,
                          {.in_flight = 2, .deadline = std::chrono::seconds(0)}));
  }
};

} // namespace

TEMPLATE_TEST_CASE("imap gives every result in order", "", parallel::thread_pool, parallel::io_pool,
                   parallel::serial_executor) {
  TestType executor;
  for (const std::size_t n : {0U, 1U, 2U, 63U, 64U, 65U, 1'000U})
    for (const std::size_t window : {1U, 2U, 64U, 10'000U})
      REQUIRE(all_of(imap(executor, numbers(n), same, {.window = window})) == numbers(n));
}

TEMPLATE_TEST_CASE("imap_unordered gives every result once", "", parallel::thread_pool,
                   parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  for (const std::size_t n : {0U, 1U, 2U, 65U, 1'000U}) {
    auto results = all_of(imap_unordered(executor, numbers(n), same));
    std::sort(results.begin(), results.end());
    REQUIRE(results == numbers(n));
  }
}

TEMPLATE_TEST_CASE("imap never takes more from its source than its window allows", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  for (const int window : {1, 2, 7, 64}) {
    std::atomic<int> taken{0};
    std::atomic<bool> within{true};
    int consumed = 0;
    const auto check = [&] { // also called by the source, and so inside ++
      if (taken.load() > consumed + window)
        within = false;
    };
    auto counted = source(taken) | std::views::transform([&](int x) {
                     check();
                     return x;
                   });
    for (const int result :
         imap(executor, std::move(counted), same, {.window = static_cast<std::size_t>(window)})) {
      REQUIRE(result == consumed);
      check();
      if (++consumed == 500)
        break;
    }
    CHECK(within);
    CHECK(taken <= 500 + window);
  }
}

TEST_CASE("imap goes through a source without an end in constant memory") {
  std::atomic<int> taken{0};
  parallel::thread_pool pool(2);
  {
    int seen = 0;
    for (const auto& one : imap(pool, source(taken), [](int x) { return test::counted(x); })) {
      REQUIRE(one.value() == seen);
      // A move doubles one or two elements in each of the two threads.
      REQUIRE(test::counted::alive <= 64 + 2 * 2);
      if (++seen == 20'000)
        break;
    }
  }
  CHECK(test::counted::alive == 0);
}

TEST_CASE("imap works as a view") {
  auto squares = imap(std::views::iota(0), [](int x) { return x * x; }) | std::views::take(5) |
                 std::views::filter([](int x) { return x % 2 == 0; });
  CHECK(all_of(squares) == std::vector<int>{0, 4, 16});
  std::istringstream text("3 1 4 1 5");
  CHECK(all_of(imap(std::views::istream<int>(text), same)) == std::vector<int>{3, 1, 4, 1, 5});
}

TEST_CASE("imap takes every kind of range, and refers to containers that it does not own") {
  std::vector<int> xs = numbers(100);
  for (int& x : imap(xs, [](int& y) { return ++y; }))
    CHECK(x > 0);
  CHECK(xs[99] == 100);
  const std::forward_list<int> list{1, 2, 3};
  CHECK(all_of(imap(list, same)) == std::vector<int>{1, 2, 3});
  std::vector<std::string> lengths;
  for (std::string& one :
       imap(test::words("a bc def"), [](std::string word) { return word + "!"; }))
    lengths.push_back(std::move(one));
  CHECK(lengths == std::vector<std::string>{"a!", "bc!", "def!"});
  int sum = 0;
  for (const auto& one : imap(numbers(10), [](int x) { return std::make_unique<int>(x); }))
    sum += *one;
  CHECK(sum == 45);
}

TEST_CASE("imap computes ahead of its consumer, which helps") {
  // Two calls run at once. The pool provides one helper, so the consumer makes the other call.
  parallel::thread_pool pool(2);
  test::crowd inside;
  std::latch both(2);
  for (const int x : imap(pool, numbers(2), [&](int y) {
         const auto self = inside.enter();
         both.arrive_and_wait();
         return y;
       }))
    CHECK(x >= 0);
  CHECK(inside.most() == 2);
}

TEMPLATE_TEST_CASE("exceptions come out of imap at their own position, and the loop may go on", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  auto view = imap(executor, numbers(100), [](int x) {
    if (x % 10 == 3)
      throw x;
    return x;
  });
  int position = 0;
  for (auto i = view.begin(); i != view.end(); ++i, ++position) {
    if (position % 10 != 3) {
      REQUIRE(*i == position);
      continue;
    }
    int caught = -1;
    try {
      static_cast<void>(*i);
    } catch (int x) {
      caught = x;
    }
    REQUIRE(caught == position);
  }
  CHECK(position == 100);
}

TEMPLATE_TEST_CASE("the source's exception comes after all results before it", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  for (const bool ordered : {true, false}) {
    std::atomic<int> taken{0};
    int results = 0;
    const auto count = [&](auto view) {
      for ([[maybe_unused]] const int x : view)
        ++results;
    };
    if (ordered)
      CHECK_THROWS_AS(count(imap(executor, source(taken, -1, 37), same)), std::range_error);
    else
      CHECK_THROWS_AS(count(imap_unordered(executor, source(taken, -1, 37), same)),
                      std::range_error);
    CHECK(results == 37);
  }
}

TEST_CASE("leaving the loop early waits for the calls under way and starts no more") {
  for (int round = 0; round < 200; ++round) {
    test::crowd inside;
    std::atomic<int> calls{0};
    {
      const auto held = std::make_unique<int>(1); // destroyed after the loop has been left
      for (const int x : imap(std::views::iota(0), [&](int y) {
             const auto self = inside.enter();
             ++calls;
             std::this_thread::yield();
             return y * *held;
           }))
        if (x == 10)
          break;
    }
    REQUIRE(inside.inside() == 0);
    const int after = calls;
    std::this_thread::yield();
    REQUIRE(calls == after);
  }
}

TEST_CASE("what an imap keeps is destroyed with it, although helpers may still come") {
  parallel::thread_pool pool(2);
  test::gate open;
  std::latch busy(2);
  std::vector<std::future<void>> tasks; // which keep the workers, so that no helper comes
  for (int i = 0; i < 2; ++i)
    tasks.push_back(pool.submit([&] {
      busy.count_down();
      open.wait();
    }));
  busy.wait();
  const auto kept = std::make_shared<int>(1);
  for (int round = 0; round < 100; ++round) {
    for (const int x :
         imap(pool, numbers(20), [kept](int y) { return y * *kept; }, {.stop = keeper{kept}}))
      if (x == 10)
        break;
    REQUIRE(kept.use_count() == 1);
  }
  open.open();
  for (std::future<void>& task : tasks)
    task.get();
}

TEST_CASE("an imap may hold the last reference to its pool") {
  for (int round = 0; round < 200; ++round) {
    auto pool = std::make_shared<parallel::thread_pool>(2);
    auto& executor = *pool;
    int sum = 0;
    for (const int x : imap(executor, numbers(20), [pool = std::move(pool)](int y) { return y; }))
      sum += x;
    REQUIRE(sum == 190);
  }
}

TEST_CASE("with a window of 1 the source is not asked while a result is unconsumed") {
  std::atomic<int> taken{0};
  int consumed = 0;
  for (const int x : imap(source(taken), same, {.window = 1})) {
    REQUIRE(taken == x + 1);
    if (++consumed == 100)
      break;
  }
}

TEST_CASE("imap takes every kind of callable, and results that cannot be assigned") {
  struct point {
    int x;
    [[nodiscard]] int twice() const { return 2 * x; }
  };
  const std::vector<point> points{{1}, {2}};
  CHECK(all_of(imap(points, &point::x)) == std::vector<int>{1, 2});
  CHECK(all_of(imap(points, &point::twice)) == std::vector<int>{2, 4});
  const std::vector<bool> flags{true, false};
  CHECK(all_of(imap(flags, [](bool flag) { return flag ? 1 : 0; })) == std::vector<int>{1, 0});
  const auto by_reference = [](int x) { return -x; };
  CHECK(all_of(imap(numbers(3), std::ref(by_reference))) == std::vector<int>{0, -1, -2});
  for (const auto& f : imap(numbers(3), [](int x) { return [x] { return x; }; }))
    CHECK(f() < 3);
}

TEST_CASE("an imap that is never begun calls nothing") {
  int calls = 0;
  {
    auto view = imap(numbers(10), [&](int x) { return x + ++calls; });
  }
  CHECK(calls == 0);
}

TEMPLATE_TEST_CASE("a stop or a deadline ends imap with its exception", "", parallel::thread_pool,
                   parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  for (const bool ordered : {true, false}) {
    std::atomic<bool> requested{false};
    int seen = 0;
    const auto go_through = [&](auto view) {
      for (const int x : view) {
        if (ordered)
          REQUIRE(x == seen);
        if (++seen == 100)
          requested = true;
      }
    };
    const parallel::imap_options options{.stop = token{&requested}};
    if (ordered)
      CHECK_THROWS_AS(go_through(imap(executor, std::views::iota(0), same, options)),
                      parallel::stopped);
    else
      CHECK_THROWS_AS(go_through(imap_unordered(executor, std::views::iota(0), same, options)),
                      parallel::stopped);
    CHECK(seen >= 100);
    CHECK(seen <= 100 + 64);
  }
  CHECK_THROWS_AS(
      all_of(imap(executor, std::views::iota(0), same, {.deadline = std::chrono::milliseconds(5)})),
      parallel::deadline_exceeded);
}

TEMPLATE_TEST_CASE("imap_unordered ends as imap does when a deadline and its source both end it",
                   "", expired_imap, expired_imap_unordered) {
  // First the pool's only thread skips element 0, because of the deadline; then the source throws.
  parallel::io_pool io({.max_threads = 1});
  const auto skipped_first = std::views::iota(0) | std::views::filter([&](int x) {
                               if (x == 1) {
                                 io.get(io.submit([] {})); // runs after the helper
                                 throw std::range_error("source");
                               }
                               return true;
                             });
  CHECK_THROWS_AS(TestType::of(io, skipped_first), parallel::deadline_exceeded);

  // First the source throws; then the consumer skips element 0, as no helper comes.
  test::gate open;
  std::latch busy(1);
  std::future<void> task = io.submit([&] {
    busy.count_down();
    open.wait();
  });
  busy.wait();
  const auto throws_first = std::views::iota(0) | std::views::filter([](int x) {
                              if (x == 1)
                                throw std::range_error("source");
                              return true;
                            });
  CHECK_THROWS_AS(TestType::of(io, throws_first), parallel::deadline_exceeded);
  open.open();
  task.get();
}

TEMPLATE_TEST_CASE("a window that is out of bounds is refused, and the message names it", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  const auto message_for = [&](std::size_t window) {
    std::string message;
    try {
      static_cast<void>(imap(executor, numbers(1), same, {.window = window}));
    } catch (const std::invalid_argument& error) {
      message = error.what();
    }
    return message;
  };
  CHECK(message_for(0) == "parallel::imap: window is 0, must be from 1 to 1000000000");
  CHECK(message_for(1'000'000'001) ==
        "parallel::imap: window is 1000000001, must be from 1 to 1000000000");
  CHECK(message_for(SIZE_MAX) ==
        "parallel::imap: window is " + std::to_string(SIZE_MAX) + ", must be from 1 to 1000000000");
  CHECK(message_for(1).empty());
}

TEST_CASE("imap has no more calls under way than in_flight says") {
  parallel::io_pool io;
  test::crowd inside;
  for (const int x : imap(io, numbers(200),
                          [&](int y) {
                            const auto self = inside.enter();
                            std::this_thread::yield();
                            return y;
                          },
                          {.in_flight = 3}))
    CHECK(x >= 0);
  CHECK(inside.most() <= 3);
}

TEMPLATE_TEST_CASE("imap has as many calls under way as its executor has threads", "",
                   parallel::thread_pool, parallel::io_pool) {
  constexpr std::size_t threads = 4;
  TestType executor = make<TestType>(threads);
  for (const bool ordered : {true, false}) {
    test::crowd inside;
    std::latch all(threads);
    const auto enter = [&](int x) {
      const auto self = inside.enter();
      if (x < static_cast<int>(threads))
        all.arrive_and_wait(); // the consumer makes one of these calls
      for (int yields = 0; yields < 1'000 && inside.inside() <= 4; ++yields)
        std::this_thread::yield(); // so that a fifth call would have time to begin
      return x;
    };
    const auto go_through = [](auto view) {
      for (const int x : view)
        REQUIRE(x >= 0);
    };
    if (ordered)
      go_through(imap(executor, numbers(16), enter));
    else
      go_through(imap_unordered(executor, numbers(16), enter));
    CHECK(inside.most() == 4);
  }
}

TEST_CASE("imap on an io_pool can have one call more under way than there are threads") {
  parallel::io_pool io({.max_threads = 2});
  test::crowd inside;
  std::latch all(3);
  for (const int x : imap(io, numbers(6),
                          [&](int y) {
                            const auto self = inside.enter();
                            if (y < 3)
                              all.arrive_and_wait();
                            return y;
                          },
                          {.in_flight = 10}))
    CHECK(x >= 0);
  CHECK(inside.most() == 3);
}

TEST_CASE("imap on an io_pool of one thread makes its calls on the consumer's thread") {
  parallel::io_pool io({.max_threads = 1});
  const std::thread::id consumer = std::this_thread::get_id();
  for (const std::thread::id made_on :
       imap(io, numbers(10), [](int) { return std::this_thread::get_id(); }))
    CHECK(made_on == consumer);
  for (const std::thread::id made_on :
       imap_unordered(io, numbers(10), [](int) { return std::this_thread::get_id(); }))
    CHECK(made_on == consumer);
  CHECK(io.threads() == 0);
}

TEST_CASE("imaps nest, in each other and in maps") {
  parallel::thread_pool pool(2);
  for (const int sum : imap(pool, numbers(30), [&](int x) {
         int inner = 0;
         for (const int y : imap(pool, numbers(20), [x](int z) { return x * z; }))
           inner += y;
         return inner;
       }))
    CHECK(sum % 190 == 0);
  const auto sums = parallel::map(pool, numbers(30), [&](int x) {
    const auto results = all_of(imap(pool, numbers(20), [x](int z) { return x * z; }));
    return results.back();
  });
  CHECK(sums.back() == 29 * 19);
}

TEST_CASE("an imap can be moved before it is begun") {
  auto first = imap(numbers(5), same);
  auto second = std::move(first);
  first = imap(numbers(3), same);
  CHECK(all_of(second) == numbers(5));
  CHECK(all_of(first) == numbers(3));
}

TEMPLATE_TEST_CASE("imap reports its progress on the consumer's thread, and once at the end", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  const std::thread::id consumer = std::this_thread::get_id();
  std::vector<parallel::progress> reports;
  const auto hook = [&](const parallel::progress& now) {
    REQUIRE(std::this_thread::get_id() == consumer);
    reports.push_back(now);
  };
  for (const int x : imap(executor, numbers(500), same, {.progress = hook}))
    static_cast<void>(x);
  REQUIRE_FALSE(reports.empty());
  CHECK(reports.back().last);
  CHECK(reports.back().done == 500);
  CHECK(reports.back().total == 500);
  CHECK(std::count_if(reports.begin(), reports.end(), [](const auto& now) { return now.last; }) ==
        1);

  reports.clear();
  for (const int x : imap(executor, std::views::iota(0), same, {.progress = hook}))
    if (x == 9)
      break; // with nine results consumed before it
  REQUIRE_FALSE(reports.empty());
  CHECK(reports.back().last);
  CHECK(reports.back().done == 9);
  CHECK(reports.back().total == parallel::progress::unknown);
  CHECK(reports.back().seconds_left() < 0);
}

TEMPLATE_TEST_CASE("imap gives the same random numbers as map for the same seed", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  const auto random_number = [](int x, parallel::random_engine& random) {
    return random() ^ static_cast<std::uint64_t>(x);
  };
  const auto mapped = parallel::map(numbers(300), random_number, {.seed = 11});
  std::vector<std::uint64_t> streamed;
  for (const std::uint64_t x : imap(executor, numbers(300), random_number, {.seed = 11}))
    streamed.push_back(x);
  CHECK(streamed == mapped);
  CHECK_THROWS_AS(imap(executor, numbers(3), same, {.seed = 1}), std::invalid_argument);
}

namespace test { // not an unnamed one, where Clang would warn of unused functions

/// An executor around a pool. It counts the run_later() calls that are under way.
struct watched_pool {
  using call_options = parallel::map_options;

  parallel::thread_pool& pool;
  std::atomic<int> inside{0};

  template <class Body>
  friend void bulk_execute(watched_pool& e, std::size_t n, const parallel::map_options& options,
                           const Body& body) {
    bulk_execute(e.pool, n, options, body);
  }
  friend bool run_later(watched_pool& e, parallel::detail::queued_task& task) {
    ++e.inside;
    for (int i = 0; i < 100; ++i)
      std::this_thread::yield();
    const bool queued = run_later(e.pool, task);
    --e.inside;
    return queued;
  }
  friend void dismiss_helpers(watched_pool& e, const void* owner) {
    dismiss_helpers(e.pool, owner);
  }
  friend std::size_t most_helpers(const watched_pool& e) { return e.pool.size() - 1; }
  friend bool run_own_task(watched_pool& e) { return run_own_task(e.pool); }
  friend void add_listener(watched_pool& e, parallel::detail::task_listener& listener) {
    add_listener(e.pool, listener);
  }
  friend void remove_listener(watched_pool& e, parallel::detail::task_listener& listener) {
    remove_listener(e.pool, listener);
  }
};
static_assert(parallel::task_executor<watched_pool>);

} // namespace test

TEST_CASE("no helper uses an imap's executor any more when the view is gone") {
  parallel::thread_pool pool(4);
  for (int round = 0; round < 20; ++round) {
    test::watched_pool watched{pool};
    int taken = 0;
    for (const int x : parallel::imap(watched, std::views::iota(0), [](int one) {
           std::this_thread::sleep_for(std::chrono::milliseconds(1)); // the call takes a while
           return one;
         }))
      if (++taken + x > 60 + round)
        break;
    REQUIRE(watched.inside == 0);
  }
}
