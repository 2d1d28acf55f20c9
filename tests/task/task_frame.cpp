// What a thread runs, for which pool, and what it may run or end from there.
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

/// A task of `outer` that waits for a task that it has given to `inner`.
template <class Outer, class Inner>
std::future<int> ask_across(Outer& outer, Inner& inner) {
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

TEST_CASE("tasks of two pools wait for what they have given to each other") {
  for (std::size_t workers = 1; workers <= 4; ++workers)
    for (std::size_t threads = 1; threads <= 4; ++threads)
      for (int round = 0; round < 20; ++round) {
        thread_pool pool(workers);
        io_pool io({.max_threads = threads});
        std::vector<std::future<int>> answers;
        for (int i = 0; i < 6; ++i) {
          answers.push_back(ask_across(pool, io));
          answers.push_back(ask_across(io, pool));
        }
        for (std::future<int>& answer : answers)
          REQUIRE(answer.get() == 1);
      }
}

TEST_CASE("tasks of three pools wait for what they have given to the next one, in a circle") {
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

TEST_CASE("an element gets what it has submitted to an io_pool, within a map of an io task") {
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

TEST_CASE("a task may outlive a pool that it has given tasks to") {
  thread_pool outer(2);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ran{0};
    outer
        .submit([&] {
          auto inner = std::make_unique<thread_pool>(2);
          for (int i = 0; i < 4; ++i)
            inner->submit([&] { ++ran; });
          inner.reset();
          io_pool other({.max_threads = 2}); // perhaps where the first one was
          return other.get(other.submit([] { return 0; }));
        })
        .get();
    REQUIRE(ran == 4);
  }
}

TEST_CASE("a pool may end while the task that has given it tasks goes on") {
  thread_pool outer(1);
  for (int round = 0; round < 200; ++round) {
    auto inner = std::make_unique<io_pool>(parallel::io_pool_options{.max_threads = 1});
    std::latch given(1);
    std::atomic<int> ran{0};
    auto giver = outer.submit([&, pool = inner.get()] {
      for (int i = 0; i < 4; ++i)
        pool->submit([&] { ++ran; });
      given.count_down();
    });
    given.wait();
    inner.reset();
    giver.get();
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
  // With nobody else to run them, all three are on one stack.
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

TEST_CASE(
    "a task still submits to its pool from a task of another pool, while its own is shut down") {
  thread_pool pool(1);
  io_pool io({.max_threads = 1});
  test::gate held;
  test::gate opened;
  auto holds =
      io.submit([&] { held.wait(); }); // so that io's other tasks run where they are needed
  std::promise<int> answer;
  pool.submit([&] {
    opened.wait();
    answer.set_value(io.get(io.submit([&] { return pool.get(pool.submit([] { return 5; })); })));
  });
  std::thread ends([&] { pool.shutdown(); });
  opened.open();
  ends.join();
  held.open();
  holds.get();
  CHECK(answer.get_future().get() == 5);
}
