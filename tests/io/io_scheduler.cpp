// How an io_pool grows and shrinks, on a clock that the tests move; and what it does under stress.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/detail/io/scheduler.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <latch>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using parallel::io_pool;

namespace {

/// A clock that stands still until a test moves it. A thread that waits checks it once in a
/// millisecond.
class manual_clock {
 public:
  static void calibrate() noexcept {}
  static std::uint64_t now() noexcept { return ns; }
  static double ns_between(std::uint64_t from, std::uint64_t to) noexcept {
    return static_cast<double>(to) - static_cast<double>(from);
  }
  static void wait_for(parallel::detail::condition_variable& woken,
                       std::unique_lock<parallel::detail::mutex>& lock, std::int64_t wanted) {
    if (wanted <= 0)
      ++waits_for_no_time;
    woken.wait_for(lock, 1ms);
  }

  static inline std::atomic<std::uint64_t> ns{1};
  static inline std::atomic<int> waits_for_no_time{0};
};

/// A pool on that clock, whose tasks are functions.
class manual_pool {
 public:
  explicit manual_pool(const parallel::io_pool_options& options) : scheduler_(options) {}

  void post(std::function<void()> f) { scheduler_.post(*new task(std::move(f))); }
  [[nodiscard]] std::size_t threads() { return scheduler_.threads(); }
  [[nodiscard]] bool try_reserve() { return scheduler_.try_reserve(); }
  void release() { scheduler_.release(); }
  void add(parallel::detail::task_listener& listener) { scheduler_.add(listener); }
  void remove(parallel::detail::task_listener& listener) { scheduler_.remove(listener); }

 private:
  class task final : public parallel::detail::queued_task {
   public:
    explicit task(std::function<void()> f) : f_(std::move(f)) {}
    void run() noexcept override {
      f_();
      delete this;
    }
    void discard() noexcept override { delete this; }

   private:
    const std::function<void()> f_;
  };

  parallel::detail::basic_io_scheduler<manual_clock> scheduler_;
};

} // namespace

TEST_CASE("tasks that take no time run one at a time, however many are queued") {
  test::crowd inside;
  std::latch all(5'000);
  manual_pool pool({.max_threads = 64, .queue = 10'000});
  for (int i = 0; i < 5'000; ++i)
    pool.post([&] {
      {
        const auto self = inside.enter();
        std::this_thread::yield();
      }
      all.count_down();
    });
  all.wait();
  CHECK(inside.most() == 1);
  CHECK(pool.threads() <= 2); // the leader and the monitor
}

TEST_CASE("while a task takes long, another thread runs the next one") {
  test::gate opened;
  std::latch both(2);
  manual_pool pool({.max_threads = 2});
  pool.post([&] {
    opened.wait();
    both.count_down();
  });
  pool.post([&] {
    opened.open();
    both.count_down();
  });
  while (!both.try_wait()) { // time passes, also before the first task has started
    manual_clock::ns += 1'000'000;
    std::this_thread::yield();
  }
  SUCCEED();
}

TEST_CASE("another thread runs the next task although the clock has been set back meanwhile") {
  manual_clock::ns += 1'000'000'000; // a thread may move to a processor whose clock is behind
  test::gate opened;
  std::latch begun(1);
  std::latch both(2);
  manual_pool pool({.max_threads = 2});
  pool.post([&] {
    begun.count_down();
    opened.wait();
    both.count_down();
  });
  begun.wait();
  manual_clock::ns -= 1'000'000'000;
  std::atomic<bool> second{false};
  pool.post([&] {
    second = true;
    both.count_down();
  });
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!second && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  CHECK(second);
  opened.open();
  both.wait();
}

TEST_CASE("after a slow task, the next one is not expected to be quick") {
  test::gate queued;
  std::latch both(2);
  manual_pool pool({.max_threads = 2});
  pool.post([&] {
    queued.wait();
    manual_clock::ns += 20'000;
  });
  for (int i = 0; i < 2; ++i)
    pool.post([&] { both.arrive_and_wait(); }); // and no time passes any more
  queued.open();
  both.wait();
  SUCCEED();
}

// In the next three, the leader finds several tasks queued and takes them in a batch.

TEST_CASE("a task that turns out to block holds up none of the tasks in its batch") {
  test::gate queued;
  std::latch both(2);
  manual_pool pool({.max_threads = 2});
  pool.post([&] { queued.wait(); });
  for (int i = 0; i < 3; ++i)
    pool.post([] {});
  for (int i = 0; i < 2; ++i)
    pool.post([&] { both.arrive_and_wait(); });
  queued.open();
  while (!both.try_wait()) {
    manual_clock::ns += 1'000'000;
    std::this_thread::yield();
  }
  SUCCEED();
}

TEST_CASE("a task in a batch uses no capacity of the queue once it has started") {
  test::gate queued;
  std::latch begun(1);
  test::gate opened;
  manual_pool pool({.max_threads = 1, .queue = 3});
  pool.post([&] { queued.wait(); });
  pool.post([] {});
  pool.post([&] {
    begun.count_down();
    opened.wait();
  });
  pool.post([] {});
  queued.open();
  begun.wait();
  CHECK(pool.try_reserve()); // beside the task that has not begun
  CHECK(pool.try_reserve());
  CHECK_FALSE(pool.try_reserve());
  pool.release();
  pool.release();
  opened.open();
}

TEST_CASE("a listener is told of a task's end before the next one starts, in a batch too") {
  struct counter final : parallel::detail::task_listener {
    void tasks_ended() noexcept override { ++told; }
    std::atomic<int> told{0};
  };
  test::gate queued;
  std::latch begun(1);
  test::gate listening;
  counter listener;
  std::latch seen(1);
  manual_pool pool({.max_threads = 1});
  pool.post([&] { queued.wait(); });
  pool.post([&] {
    begun.count_down();
    listening.wait();
  });
  for (int i = 1; i <= 3; ++i)
    pool.post([&, i] {
      CHECK(listener.told == i);
      if (i == 3)
        seen.count_down();
    });
  queued.open();
  begun.wait();
  pool.add(listener);
  listening.open();
  seen.wait();
  pool.remove(listener);
}

TEST_CASE("a thread that takes long to start does not keep an idle one from being woken") {
  test::gate slow;
  std::atomic<int> threads{0};
  manual_pool pool({.max_threads = 2, .on_start = [&] {
                      if (++threads == 2)
                        slow.wait();
                    }});
  std::latch first(1);
  std::latch second(1);
  std::latch released(1);
  pool.post([&] {
    first.count_down();
    released.wait();
  });
  first.wait();
  pool.post([&] { second.count_down(); }); // a second thread is created, and held up by its hook
  while (threads != 2) {
    manual_clock::ns += 1'000'000;
    std::this_thread::yield();
  }
  released.count_down(); // the first takes the second task, and is idle soon
  second.wait();
  for (int i = 0; i < 100; ++i) {
    std::latch other(1);
    pool.post([&] { other.count_down(); });
    while (!other.try_wait()) {
      manual_clock::ns += 1'000'000;
      std::this_thread::yield();
    }
  }
  slow.open();
}

TEST_CASE(
    "a thread that has been idle for long enough leaves, and new ones are created on demand") {
  std::atomic<int> started{0};
  for (int round = 0; round < 20; ++round) {
    std::latch first(1);
    std::latch second(1);
    test::gate left;
    manual_pool pool({.max_threads = 4,
                      .idle_timeout = 3s,
                      .on_start = [&] { ++started; },
                      .on_stop =
                          [&](std::size_t number) {
                            if (number == 1)
                              left.open();
                          }});
    pool.post([&] { first.count_down(); });
    first.wait();
    while (pool.threads() != 0) {
      manual_clock::ns += 3'000'000'000;
      std::this_thread::yield();
    }
    left.wait();
    pool.post([&] { second.count_down(); });
    second.wait();
  }
  CHECK(started >= 40);
}

TEST_CASE("a thread that must not leave yet never waits for zero time, which may keep the mutex") {
  // libc++ returns from such a wait without unlocking the mutex. In each round a thread reaches its
  // idle time-out at once, while another one may still be being created.
  manual_clock::waits_for_no_time = 0;
  manual_pool pool({.max_threads = 3, .idle_timeout = 0s});
  for (int round = 0; round < 2'000; ++round) {
    std::latch all(3);
    for (int i = 0; i < 3; ++i)
      pool.post([&] {
        manual_clock::ns += 1'000'000; // so that others are woken
        all.count_down();
      });
    all.wait();
  }
  CHECK(manual_clock::waits_for_no_time == 0);
}

TEST_CASE("no task is lost while threads leave as soon as they are idle") {
  io_pool io({.max_threads = 3, .queue = 2, .idle_timeout = 0s});
  std::atomic<int> ran{0};
  for (int i = 0; i < 500; ++i) {
    if (i % 3 == 0)
      io.submit([&] { ++ran; }).get();
    else
      io.submit([&] { ++ran; });
  }
  io.shutdown();
  CHECK(ran == 500);
}

TEST_CASE("an io_pool at rest has no threads") {
  std::latch all(8);
  std::atomic<int> left{0};
  io_pool io({.max_threads = 8, .idle_timeout = 0s, .on_stop = [&] { ++left; }});
  std::vector<std::future<void>> tasks;
  for (int i = 0; i < 8; ++i)
    tasks.push_back(io.submit([&] { all.arrive_and_wait(); }));
  for (std::future<void>& task : tasks)
    task.get();
  while (io.threads() != 0 || left < 8)
    std::this_thread::yield();
  SUCCEED();
}

TEST_CASE("an idle time-out must not be negative") {
  CHECK_THROWS_WITH(io_pool({.idle_timeout = -1s}),
                    "parallel: the idle time-out is -1 s, must not be negative");
}

TEST_CASE("try_submit queues a task unless the queue is full, and returns nothing if it is") {
  io_pool io({.max_threads = 1, .queue = 2});
  test::gate opened;
  std::latch begun(1);
  auto running = io.submit([&] {
    begun.count_down();
    opened.wait();
  });
  begun.wait();
  auto first = io.try_submit([] { return 1; });
  auto second = io.try_submit([] { return 2; });
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  auto kept = std::make_unique<int>(3); // a callable that is not queued is not moved from
  auto task = [kept = std::move(kept)] { return *kept; };
  CHECK_FALSE(io.try_submit(std::move(task)).has_value());
  CHECK(task() == 3);
  opened.open();
  CHECK(first->get() == 1);
  CHECK(second->get() == 2);
  while (true) // the queue has capacity again as soon as the thread has started the last task
    if (auto third = io.try_submit(std::move(task))) {
      CHECK(third->get() == 3);
      break;
    }
  io.shutdown();
  CHECK_THROWS_AS(io.try_submit([] {}), parallel::shut_down);
}

TEST_CASE("try_submit within a task of a full pool returns nothing, too") {
  io_pool io({.max_threads = 1, .queue = 1});
  CHECK(io.submit([&] {
            auto queued = io.submit([] { return 1; });
            return !io.try_submit([] {}).has_value() && io.get(std::move(queued)) == 1;
          }).get());
}

TEST_CASE("try_submit gives its capacity back when the callable cannot be copied") {
  struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::string("no copies"); }
    void operator()() const {}
  };
  io_pool io({.queue = 1});
  const throws_when_copied task;
  for (int i = 0; i < 3; ++i)
    CHECK_THROWS_AS(io.try_submit(task), std::string);
  CHECK(io.try_submit([] {}).has_value());
}

TEST_CASE("an io task that waits for one that nobody is left to run gets an error, not a hang") {
  const std::size_t size = GENERATE(std::size_t{1}, 2U, 4U);
  io_pool io({.max_threads = size});
  for (int round = 0; round < 50; ++round) {
    // As many tasks as there are threads, each of which waits for one that is queued behind them.
    test::gate all_queued;
    std::vector<std::shared_future<int>> awaited(size);
    std::vector<std::future<int>> waiting;
    for (std::size_t i = 0; i < size; ++i)
      waiting.push_back(io.submit([&, i] {
        all_queued.wait();
        try {
          return io.get(awaited[i]);
        } catch (const std::system_error& error) {
          return error.code() == std::errc::resource_deadlock_would_occur ? -1 : -2;
        }
      }));
    for (std::shared_future<int>& each : awaited)
      each = io.submit([] { return 1; }).share();
    all_queued.open();
    std::vector<int> results(size);
    for (std::size_t i = 0; i < size; ++i)
      results[i] = waiting[i].get();
    const auto refused = std::ranges::count(results, -1);
    REQUIRE(refused >= 1);
    REQUIRE(refused + std::ranges::count(results, 1) == static_cast<std::ptrdiff_t>(size));
    for (std::shared_future<int>& each : awaited)
      REQUIRE(each.get() == 1); // the queued tasks run all the same
  }
}

TEST_CASE("the error of a wait that would never end names the numbers") {
  io_pool io({.max_threads = 1});
  test::gate queued;
  std::shared_future<void> behind;
  auto waiting = io.submit([&]() -> std::string {
    queued.wait();
    try {
      io.get(behind);
    } catch (const std::system_error& error) {
      return error.what();
    }
    return "";
  });
  behind = io.submit([] {}).share();
  queued.open();
  CHECK_THAT(waiting.get(), Contains("all threads that work for the pool (1)") &&
                                Contains("tasks that are queued (1)"));
}

TEST_CASE("io tasks wait with get() for tasks of others as long as a thread can run them") {
  io_pool io({.max_threads = 3});
  for (int round = 0; round < 100; ++round) {
    test::gate all_queued;
    std::vector<std::shared_future<int>> awaited(2);
    std::vector<std::future<int>> waiting;
    for (std::size_t i = 0; i < 2; ++i)
      waiting.push_back(io.submit([&, i] {
        all_queued.wait();
        return io.get(awaited[i]);
      }));
    for (std::shared_future<int>& each : awaited)
      each = io.submit([] { return 1; }).share();
    all_queued.open();
    for (std::future<int>& each : waiting)
      REQUIRE(each.get() == 1);
  }
}

TEST_CASE("try_submit within a task respects the limit while the pool is shut down, too") {
  std::latch begun(1);
  std::atomic<bool> is_shut{false};
  bool was_full = false;
  io_pool io({.max_threads = 1, .queue = 1});
  auto task = io.submit([&] {
    begun.count_down();
    while (!is_shut)
      std::this_thread::yield();
    auto queued = io.submit([] {});
    was_full = !io.try_submit([] {}).has_value();
    io.get(std::move(queued));
  });
  begun.wait();
  std::thread closing([&] { io.shutdown(); });
  for (;;) {
    try {
      io.try_submit([] {});
    } catch (const parallel::shut_down&) {
      break;
    }
  }
  is_shut = true;
  closing.join();
  task.get();
  CHECK(was_full);
}

TEST_CASE("a hook of a thread that leaves may wait for a task") {
  std::atomic<int> flushed{0};
  io_pool* self = nullptr;
  io_pool io({.max_threads = 1, .idle_timeout = 0s, .on_stop = [&] {
                try {
                  self->get(self->submit([&] { ++flushed; }));
                } catch (const parallel::shut_down&) {
                }
              }});
  self = &io;
  io.submit([] {}).get();
  while (flushed < 3) // each by the hook of the thread before
    std::this_thread::yield();
  SUCCEED();
}

TEST_CASE("a task of one pool that runs tasks of another is still its own pool's") {
  io_pool outer({.max_threads = 1, .queue = 1});
  io_pool inner({.max_threads = 1});
  test::gate done;
  std::latch busy(1);
  auto other = inner.submit([&] { // so that the thread that waits for the task below runs it
    busy.count_down();
    done.wait();
  });
  busy.wait();
  auto refused = outer.submit([&]() -> bool {
    return parallel::map(inner, std::vector<int>(1),
                         [&](int) {
                           return inner.get(inner.submit([&] {
                             auto first = outer.submit([] {});
                             auto second = outer.submit([] {}); // does not wait for capacity
                             try {
                               outer.shutdown();
                             } catch (const std::system_error&) {
                               return true;
                             }
                             return false;
                           }));
                         })
        .front();
  });
  CHECK(refused.get());
  done.open();
  other.get();
}
