// Waits of threads that work for a pool: a worker that waits is compensated, and a wait that would
// never end is refused with an error.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/as_completed.hpp>
#include <parallel/detail/task/pending_wait.hpp>
#include <parallel/imap.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <chrono>
#include <cstddef>
#include <future>
#include <latch>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using parallel::io_pool;
using parallel::thread_pool;
using test::numbers;

namespace {

/// The code of the std::system_error that f() throws; none if it throws nothing.
template <class F>
std::error_code error_of(const F& f) {
  try {
    f();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

const auto deadlock = std::make_error_code(std::errc::resource_deadlock_would_occur);

/// A task of the pool that adds up the results of three tasks, which are queued behind it, in the
/// order of as_completed.
template <class Pool>
std::future<int> sum_within_a_task(Pool& pool, const parallel::as_completed_options& options = {}) {
  std::promise<std::vector<std::future<int>>> promised;
  auto sum = pool.submit([&pool, options, later = promised.get_future()]() mutable {
    std::vector<std::future<int>> tasks = later.get();
    int all = 0;
    for (auto&& [index, task] : parallel::as_completed(pool, tasks, options))
      all += task.get();
    return all;
  });
  std::vector<std::future<int>> tasks;
  for (int i = 1; i <= 3; ++i)
    tasks.push_back(pool.submit([i] { return i; }));
  promised.set_value(std::move(tasks));
  return sum;
}

} // namespace

TEST_CASE("a future and its shared_future have the same shared state") {
  std::promise<std::string> one;
  std::promise<std::string> other;
  std::future<std::string> future = one.get_future();
  const void* const state = parallel::detail::future_state(future);
  CHECK(state != nullptr);
  CHECK(parallel::detail::future_state(other.get_future()) != state);
  std::future<std::string> moved = std::move(future);
  CHECK(parallel::detail::future_state(moved) == state);
  const std::shared_future<std::string> shared = moved.share();
  CHECK(parallel::detail::future_state(shared) == state);
}

TEST_CASE("a worker that waits in get() of an io_pool is compensated") {
  for (int round = 0; round < 20; ++round) {
    thread_pool pool(2);
    io_pool io;
    std::latch all(8); // more than there are workers
    std::vector<std::future<void>> tasks;
    for (int i = 0; i < 8; ++i)
      tasks.push_back(pool.submit([&] { io.get(io.submit([&] { all.arrive_and_wait(); })); }));
    for (std::future<void>& task : tasks)
      task.get();
  }
}

TEST_CASE("a worker that waits at the end of an io_pool's map is compensated") {
  thread_pool pool(1);
  io_pool io;
  for (int round = 0; round < 20; ++round) {
    std::latch both(2);
    test::gate opened;
    auto mapping = pool.submit([&] {
      const std::thread::id here = std::this_thread::get_id();
      parallel::for_each(io, numbers(2), [&](int) {
        both.arrive_and_wait();
        if (std::this_thread::get_id() != here)
          opened.wait();
      });
    });
    pool.submit([&] { opened.open(); }).get();
    mapping.get();
  }
}

TEST_CASE("as_completed within a task waits for tasks that are queued behind it") {
  for (const std::size_t threads : {1U, 2U, 4U})
    for (int round = 0; round < 20; ++round) {
      thread_pool pool(threads);
      REQUIRE(sum_within_a_task(pool).get() == 6);
    }
  io_pool io({.max_threads = 2});
  CHECK(sum_within_a_task(io).get() == 6);
}

TEST_CASE("as_completed within a task throws when no thread is left to run what it waits for") {
  io_pool io({.max_threads = 1});
  auto sum = sum_within_a_task(io);
  CHECK(error_of([&] { sum.get(); }) == deadlock);
}

TEST_CASE("as_completed with a deadline waits until then when no thread is left to run tasks") {
  io_pool io({.max_threads = 1});
  auto sum = sum_within_a_task(io, {.deadline = std::chrono::milliseconds(50)});
  CHECK_THROWS_AS(sum.get(), parallel::deadline_exceeded);
}

TEST_CASE("get() in an element of a map throws when all other threads wait for that element") {
  io_pool io({.max_threads = 2});
  auto mapping = io.submit([&] {
    const std::thread::id here = std::this_thread::get_id();
    std::promise<std::shared_future<int>> promised;
    std::latch both(2);
    parallel::for_each(io, numbers(2), [&](int) {
      both.arrive_and_wait();
      if (std::this_thread::get_id() == here)
        promised.set_value(io.submit([] { return 1; }).share());
      else
        io.get(promised.get_future().get());
    });
  });
  CHECK(error_of([&] { mapping.get(); }) == deadlock);
}

TEST_CASE("get() in an element of an imap throws when all other threads wait for that element") {
  io_pool io({.max_threads = 2});
  auto consuming = io.submit([&] {
    const std::thread::id here = std::this_thread::get_id();
    std::promise<std::shared_future<int>> promised;
    std::latch both(2);
    auto results = parallel::imap(io, numbers(2), [&](int x) {
      both.arrive_and_wait();
      if (std::this_thread::get_id() != here)
        return io.get(promised.get_future().get());
      promised.set_value(io.submit([] { return 1; }).share());
      return x;
    });
    int sum = 0;
    for (const int result : results)
      sum += result;
    return sum;
  });
  CHECK(error_of([&] { consuming.get(); }) == deadlock);
}

TEST_CASE("a wait is not refused while a map's caller may run the task") {
  for (int round = 0; round < 5; ++round) {
    io_pool io({.max_threads = 1});
    const std::thread::id here = std::this_thread::get_id();
    std::promise<std::shared_future<int>> promised;
    const auto queued = promised.get_future().share();
    std::latch both(2);
    const auto sums =
        parallel::map(io, numbers(2),
                      [&](int) {
                        both.arrive_and_wait();
                        if (std::this_thread::get_id() != here)
                          return io.get(queued.get());
                        std::shared_future<int> own = io.submit([] { return 1; }).share();
                        promised.set_value(own);
                        std::this_thread::sleep_for(
                            std::chrono::milliseconds(20)); // the task is in the queue meanwhile
                        return io.get(own);
                      },
                      {.in_flight = 2});
    REQUIRE(sums == std::vector<int>{1, 1});
  }
}

TEST_CASE("a wait for something other than the pool's tasks is not refused") {
  io_pool io({.max_threads = 1});
  thread_pool pool(1);
  for (int round = 0; round < 5; ++round) {
    test::gate opened;
    std::promise<int> promised;
    auto for_other_pool = io.submit([&] {
      return io.get(pool.submit([&] {
        opened.wait();
        return 1;
      }));
    });
    auto for_promise = io.submit([&] { return io.get(promised.get_future()); });
    auto queued = io.submit([] { return 3; });
    // In this time the waits could be refused, wrongly; as in the next sleep.
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    opened.open();
    CHECK(for_other_pool.get() == 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    promised.set_value(2);
    CHECK(for_promise.get() == 2);
    CHECK(queued.get() == 3);
  }
}

TEST_CASE("waits that become a deadlock only later are refused") {
  io_pool io({.max_threads = 2});
  std::promise<std::shared_future<int>> promised;
  const auto queued = promised.get_future().share();
  test::gate opened;
  auto first = io.submit([&] { return io.get(queued.get()); });
  auto second = io.submit([&] {
    opened.wait(); // until then this thread could still run the task
    return io.get(queued.get());
  });
  promised.set_value(io.submit([] { return 1; }).share());
  opened.open();
  // One wait is refused, so that its thread can run the task that the other one waits for.
  int refused = 0;
  int results = 0;
  for (std::future<int>* each : {&first, &second})
    refused += error_of([&] { results += each->get(); }) == deadlock ? 1 : 0;
  CHECK(refused == 1);
  CHECK(results == 1);
  CHECK(queued.get().get() == 1);
}

TEST_CASE("blocking() in a task that get() of an io_pool runs still counts in other pools") {
  thread_pool outer(1);
  thread_pool inner(2);
  io_pool io({.max_threads = 1});
  test::gate opened;
  std::latch busy(3);
  std::vector<std::future<void>> held;
  for (int i = 0; i < 2; ++i)
    held.push_back(inner.submit([&] {
      busy.count_down();
      opened.wait();
    }));
  held.push_back(io.submit([&] { // keeps the only thread, so that get() runs its task itself
    busy.count_down();
    opened.wait();
  }));
  busy.wait();
  std::latch all(4);
  outer
      .submit([&] {
        io.get(io.submit([&] {
          parallel::for_each(inner, numbers(4),
                             [&](int) { parallel::blocking([&] { all.arrive_and_wait(); }); },
                             {.grain = 1});
        }));
      })
      .get();
  opened.open();
  for (std::future<void>& each : held)
    each.get();
}

TEST_CASE("a worker whose as_completed runs tasks of an io_pool is compensated") {
  thread_pool pool(2);
  io_pool io({.max_threads = 1});
  test::gate opened;
  auto held = io.submit([&] { opened.wait(); });
  std::latch all(8);
  std::vector<std::future<void>> tasks;
  for (int i = 0; i < 8; ++i)
    tasks.push_back(pool.submit([&] {
      std::vector<std::future<void>> own;
      own.push_back(io.submit([&] { all.arrive_and_wait(); }));
      for (auto&& [index, future] : parallel::as_completed(io, own))
        future.get();
    }));
  for (std::future<void>& task : tasks)
    task.get();
  opened.open();
  held.get();
}

TEST_CASE("a wait is not refused while a task of another pool may run what it has submitted") {
  for (int round = 0; round < 3; ++round) {
    thread_pool pool(1);
    io_pool io({.max_threads = 1});
    std::promise<std::shared_future<int>> promised;
    const auto queued = promised.get_future().share();
    std::latch begun(1);
    auto waits = io.submit([&] {
      begun.count_down();
      return io.get(queued.get());
    });
    auto owns = pool.submit([&] {
      begun.wait();
      std::shared_future<int> own = io.submit([] { return 1; }).share();
      promised.set_value(own);
      std::this_thread::sleep_for(
          std::chrono::milliseconds(50)); // the task is in the queue meanwhile
      return io.get(own);
    });
    CHECK(owns.get() == 1);
    CHECK(waits.get() == 1);
  }
}

TEST_CASE("a task's wait for itself, and two tasks' waits for each other, are refused") {
  io_pool io({.max_threads = 2});
  std::promise<std::shared_future<int>> itself;
  auto alone = io.submit([&] { return io.get(itself.get_future().get()); }).share();
  itself.set_value(alone);
  CHECK(error_of([&] { alone.get(); }) == deadlock);
  std::promise<std::shared_future<int>> to_first;
  auto first = io.submit([&] { return io.get(to_first.get_future().get()); }).share();
  auto second = io.submit([&] { return io.get(first); }).share();
  to_first.set_value(second);
  CHECK(error_of([&] { first.get(); }) == deadlock);
  CHECK(error_of([&] { second.get(); }) == deadlock);
}
