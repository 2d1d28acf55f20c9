// Frames: what a thread runs for which pool, which tasks it may reclaim from there, and which pools
// it may shut down.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <atomic>
#include <cstddef>
#include <future>
#include <latch>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using parallel::io_pool;
using parallel::thread_pool;
using test::numbers;

namespace {

/// A task of `outer` that waits for a task that it has submitted to `inner`.
template <class Outer, class Inner>
std::future<int> nested_task(Outer& outer, Inner& inner) {
  return outer.submit([&] { return inner.get(inner.submit([] { return 1; })); });
}

template <class Pool>
bool refuses_shutdown(Pool& pool) {
  try {
    pool.shutdown();
  } catch (const std::system_error& error) {
    return error.code() == std::errc::resource_deadlock_would_occur;
  }
  return false;
}

} // namespace

TEST_CASE("tasks of two pools may wait for tasks that they have submitted to each other") {
  for (std::size_t workers = 1; workers <= 4; ++workers)
    for (std::size_t threads = 1; threads <= 4; ++threads)
      for (int round = 0; round < 20; ++round) {
        thread_pool pool(workers);
        io_pool io({.max_threads = threads});
        std::vector<std::future<int>> tasks;
        for (int i = 0; i < 6; ++i) {
          tasks.push_back(nested_task(pool, io));
          tasks.push_back(nested_task(io, pool));
        }
        for (std::future<int>& task : tasks)
          REQUIRE(task.get() == 1);
      }
}

TEST_CASE("tasks of three pools may wait for tasks submitted to the next pool, in a circle") {
  thread_pool first(1);
  thread_pool second(1);
  io_pool third({.max_threads = 1});
  for (int round = 0; round < 100; ++round) {
    const auto in_third = [&] { return first.get(first.submit([] { return 1; })) + 1; };
    const auto in_second = [&] { return third.get(third.submit(in_third)) + 1; };
    const auto in_first = [&] { return second.get(second.submit(in_second)) + 1; };
    auto one = first.submit(in_first);
    auto other = third.submit([&] { return first.get(first.submit(in_first)); });
    REQUIRE(one.get() == 4);
    REQUIRE(other.get() == 4);
  }
}

TEST_CASE("in a map within an io task, an element gets the result of its own io task") {
  for (const std::size_t workers : {1U, 2U, 4U})
    for (int round = 0; round < 50; ++round) {
      io_pool io({.max_threads = 1});
      thread_pool pool(workers);
      const auto sums =
          io.submit([&] {
              return parallel::map(pool, numbers(8),
                                   [&](int x) { return io.get(io.submit([x] { return 2 * x; })); },
                                   {.grain = 1});
            }).get();
      REQUIRE(sums == std::vector<int>{0, 2, 4, 6, 8, 10, 12, 14});
    }
}

TEST_CASE("a task may outlive a pool that it has submitted tasks to") {
  thread_pool outer(2);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ran{0};
    outer
        .submit([&] {
          auto inner = std::make_unique<thread_pool>(2);
          for (int i = 0; i < 4; ++i)
            inner->submit([&] { ++ran; });
          inner.reset();
          io_pool other({.max_threads = 2}); // perhaps at the address of the first one
          return other.get(other.submit([] { return 0; }));
        })
        .get();
    REQUIRE(ran == 4);
  }
}

TEST_CASE("a pool may end while a task that has submitted tasks to it goes on") {
  thread_pool outer(1);
  for (int round = 0; round < 200; ++round) {
    auto inner = std::make_unique<io_pool>(parallel::io_pool_options{.max_threads = 1});
    std::latch submitted(1);
    std::atomic<int> ran{0};
    auto submitter = outer.submit([&, pool = inner.get()] {
      for (int i = 0; i < 4; ++i)
        pool->submit([&] { ++ran; });
      submitted.count_down();
    });
    submitted.wait();
    inner.reset();
    submitter.get();
    REQUIRE(ran == 4);
  }
}

TEST_CASE("shutdown by a caller that helps a worker is refused") {
  for (int round = 0; round < 100; ++round) {
    thread_pool pool(2);
    const std::thread::id caller = std::this_thread::get_id();
    std::latch helped(1);
    std::atomic<int> refusals{0};
    std::latch both(2);
    parallel::for_each(pool, numbers(2),
                       [&](int) {
                         both.arrive_and_wait();
                         if (std::this_thread::get_id() == caller)
                           return; // to wait for the worker, and help it
                         std::latch inner(2);
                         parallel::for_each(pool, numbers(2),
                                            [&](int) {
                                              inner.arrive_and_wait();
                                              if (std::this_thread::get_id() != caller)
                                                return helped.wait();
                                              refusals += refuses_shutdown(pool) ? 1 : 0;
                                              helped.count_down();
                                            },
                                            {.grain = 1});
                       },
                       {.grain = 1});
    REQUIRE(refusals == 1);
  }
}

TEST_CASE("shutdown is refused in a task of another pool within a task of the pool") {
  thread_pool pool(1);
  io_pool io({.max_threads = 1});
  thread_pool other(1);
  const auto in_other = [&] { return refuses_shutdown(pool) && refuses_shutdown(io); };
  // The other pools' threads are busy, so all three tasks run on one stack.
  test::gate opened;
  auto held = other.submit([&] { opened.wait(); });
  auto held_too = io.submit([&] { opened.wait(); });
  CHECK(pool.submit([&] {
              return io.get(io.submit([&] { return other.get(other.submit(in_other)); }));
            })
            .get());
  opened.open();
  held.get();
  held_too.get();
}

TEST_CASE("a task may submit to its pool from a task of another pool while its own is shut down") {
  thread_pool pool(1);
  io_pool io({.max_threads = 1});
  test::gate held;
  test::gate opened;
  // Keeps io's only thread, so that io's other tasks run on the threads that wait for them.
  auto holds = io.submit([&] { held.wait(); });
  std::promise<int> result;
  pool.submit([&] {
    opened.wait();
    result.set_value(io.get(io.submit([&] { return pool.get(pool.submit([] { return 5; })); })));
  });
  std::thread ends([&] { pool.shutdown(); });
  opened.open();
  ends.join();
  held.open();
  holds.get();
  CHECK(result.get_future().get() == 5);
}
