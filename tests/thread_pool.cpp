// The pool itself: its size, its threads, its tasks, how it ends.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using parallel::thread_pool;

namespace {

/// The threads of this process; 0 where the system does not say.
std::size_t threads_of_this_process() {
  std::size_t count = 0;
  std::error_code none;
  for (auto i = std::filesystem::directory_iterator("/proc/self/task", none);
       i != std::filesystem::directory_iterator(); ++i)
    ++count;
  return count;
}

/// Whether every thread of this process but the calling one sleeps; true where the system does not
/// say. (/proc/self/task/N/stat: "N (name) S …", proc(5).)
bool all_others_sleep() {
  std::error_code none;
  std::size_t awake = 0;
  for (auto i = std::filesystem::directory_iterator("/proc/self/task", none);
       i != std::filesystem::directory_iterator(); ++i) {
    std::ifstream file(i->path() / "stat");
    std::string line;
    std::getline(file, line);
    const std::size_t state = line.rfind(") ");
    if (state != std::string::npos && line[state + 2] == 'R')
      ++awake;
  }
  return awake <= 1; // the calling thread
}

} // namespace

TEST_CASE("a thread_pool refuses a size of 0 and names it") {
  CHECK_THROWS_AS(thread_pool(0), std::invalid_argument);
  CHECK_THROWS_WITH(thread_pool(0), "parallel::thread_pool: threads is 0, must be from 1 to 65536");
}

TEST_CASE("a thread_pool refuses an absurd size and names it") {
  const auto minus_one = static_cast<std::size_t>(-1);
  CHECK_THROWS_WITH(thread_pool(minus_one), "parallel::thread_pool: threads is " +
                                                std::to_string(minus_one) +
                                                ", must be from 1 to 65536");
}

TEST_CASE("a thread_pool has the size it was asked for, or the default") {
  CHECK(thread_pool(5).size() == 5);
  CHECK(thread_pool().size() == parallel::default_concurrency());
  CHECK(parallel::default_pool().size() == parallel::default_concurrency());
}

TEST_CASE("a thread_pool starts no thread before its first loop") {
  const std::size_t before = threads_of_this_process();
  thread_pool pool(64);
  CHECK(threads_of_this_process() <= before); // less if a thread joined before was still leaving
}

TEST_CASE("a thread_pool of n runs one call on n threads and no more") {
  const std::size_t threads = GENERATE(std::size_t{1}, 2U, 3U, 8U);
  thread_pool pool(threads);
  std::latch all(static_cast<std::ptrdiff_t>(threads));
  std::atomic<std::size_t> tickets{0};
  test::crowd inside;
  parallel::for_each(
      pool, test::numbers(1'000),
      [&](int) {
        const auto self = inside.enter();
        if (tickets++ < threads)
          all.arrive_and_wait(); // the first n wait for each other, so they are n threads
      },
      {.grain = 1});
  CHECK(inside.most() == static_cast<int>(threads));
}

TEST_CASE("an idle pool sleeps") {
  thread_pool pool(4);
  std::latch all(4);
  parallel::for_each(pool, test::numbers(4), [&](int) { all.arrive_and_wait(); }, {.grain = 1});
  while (!all_others_sleep()) // else this goes on until the time limit
    std::this_thread::yield();
  CHECK(pool.submit([] { return 1; }).get() == 1);
}

TEST_CASE("a worker that sleeps is woken for the next call") {
  thread_pool pool(2);
  for (int round = 0; round < 50; ++round) {
    std::latch both(2);
    parallel::for_each(pool, test::numbers(2), [&](int) { both.arrive_and_wait(); }, {.grain = 1});
    // Now and then longer than a worker looks for work, so that some calls find it asleep. The
    // result does not depend on it.
    if (round % 10 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  SUCCEED();
}

TEST_CASE("pools may be made, used and destroyed in quick succession") {
  for (int round = 0; round < 300; ++round) {
    thread_pool pool(1 + static_cast<std::size_t>(round) % 4);
    const auto results =
        parallel::map(pool, test::numbers(50), [](int x) { return x; }, {.grain = 1});
    REQUIRE(results.back() == 49);
  }
}

TEST_CASE("a pool may be used from a worker of another pool") {
  thread_pool outer(3);
  thread_pool inner(3);
  std::atomic<int> sum{0};
  parallel::for_each(outer, test::numbers(50),
                     [&](int) {
                       parallel::for_each(inner, test::numbers(50), [&](int x) { sum += x; },
                                          {.grain = 1});
                     },
                     {.grain = 1});
  CHECK(sum == 50 * 49 * 25);
}

TEST_CASE("submit returns the result or the exception of a task") {
  for (const std::size_t size : {1U, 2U, 5U}) {
    parallel::thread_pool pool(size);
    CHECK(pool.submit([] { return 42; }).get() == 42);
    pool.submit([owned = std::make_unique<int>(1)] { ++*owned; }).get();
    auto failed = pool.submit([]() -> int { throw std::out_of_range("far"); });
    CHECK_THROWS_AS(failed.get(), std::out_of_range);
  }
}

TEST_CASE("nothing is left of a task when its future is ready") {
  parallel::thread_pool pool(2);
  for (int round = 0; round < 1'000; ++round) {
    auto kept = std::make_shared<int>(round);
    auto task = pool.submit([kept] { return *kept; });
    REQUIRE(task.get() == round);
    REQUIRE(kept.use_count() == 1);
  }
  int number = 4;
  CHECK(&pool.get(pool.submit([&]() -> int& { return number; })) == &number);
}

TEST_CASE("a pool of n runs n submitted tasks at once") {
  for (const std::size_t size : {1U, 2U, 4U}) {
    parallel::thread_pool pool(size);
    std::latch all(static_cast<std::ptrdiff_t>(size));
    std::vector<std::future<void>> tasks;
    for (std::size_t i = 0; i < size; ++i)
      tasks.push_back(pool.submit([&] { all.arrive_and_wait(); }));
    for (std::future<void>& task : tasks)
      task.get();
  }
}

TEST_CASE("tasks of one worker begin in the order of their submission") {
  parallel::thread_pool pool(1);
  std::vector<int> order;
  std::vector<std::future<void>> tasks;
  for (int i = 0; i < 1'000; ++i)
    tasks.push_back(pool.submit([&order, i] { order.push_back(i); }));
  for (std::future<void>& task : tasks)
    task.get();
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(order.size() == 1'000);
}

TEST_CASE("the destructor runs the tasks that are queued, and those that they submit") {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ran{0};
    {
      parallel::thread_pool pool(static_cast<std::size_t>(round % 3 + 1));
      for (int i = 0; i < 20; ++i)
        pool.submit([&] {
          ++ran;
          pool.submit([&] { ++ran; });
        });
    }
    REQUIRE(ran == 40);
  }
}

TEST_CASE("tasks may wait for tasks that they submit, to any depth, on any number of workers") {
  for (const std::size_t size : {1U, 2U, 3U}) {
    parallel::thread_pool pool(size);
    const auto fibonacci = [&](const auto& self, int n) -> int {
      if (n < 2)
        return n;
      auto first = pool.submit([&self, n] { return self(self, n - 1); });
      const int second = self(self, n - 2);
      return pool.get(std::move(first)) + second;
    };
    CHECK(pool.submit([&] { return fibonacci(fibonacci, 14); }).get() == 377);
  }
}

TEST_CASE("a task that waits for an earlier task does not run on top of it") {
  // If get() ran any queued task, it could run the second one within the first, where that would
  // wait for the task beneath it on the stack.
  for (int round = 0; round < 500; ++round) {
    parallel::thread_pool pool(2);
    std::latch both(2);
    auto first = pool.submit([&] {
      both.arrive_and_wait();
      return pool.get(pool.submit([] { return 1; }));
    });
    auto second = pool.submit([&] {
      both.arrive_and_wait();
      return first.get() + 1;
    });
    REQUIRE(second.get() == 2);
  }
}

TEST_CASE("many tasks that wait for tasks of their own need no deep stack") {
  parallel::thread_pool pool(2);
  std::vector<std::future<std::size_t>> tasks;
  std::atomic<std::size_t> deepest{0};
  for (int i = 0; i < 20'000; ++i)
    tasks.push_back(pool.submit([&] {
      thread_local std::size_t depth = 0;
      ++depth;
      if (depth > deepest)
        deepest = depth;
      const std::size_t one = pool.get(pool.submit([]() -> std::size_t { return 1; }));
      --depth;
      return one;
    }));
  for (auto& task : tasks)
    REQUIRE(task.get() == 1);
  CHECK(deepest == 1);
}

TEST_CASE("elements of nested maps may wait for tasks that they submit") {
  parallel::thread_pool pool(2);
  std::vector<std::thread> callers;
  std::atomic<int> sum{0};
  for (int caller = 0; caller < 2; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round)
        parallel::for_each(pool, test::numbers(4),
                           [&](int) {
                             parallel::for_each(
                                 pool, test::numbers(4),
                                 [&](int) { sum += pool.get(pool.submit([] { return 1; })); },
                                 {.grain = 1});
                           },
                           {.grain = 1});
    });
  for (std::thread& caller : callers)
    caller.join();
  CHECK(sum == 2 * 50 * 16);
}

TEST_CASE("a task submitted just before the pool ends is run") {
  for (int round = 0; round < 3'000; ++round) {
    bool ran = false;
    {
      parallel::thread_pool pool(1);
      pool.submit([] {}).get(); // the worker looks for more now
      pool.submit([&] { ran = true; });
    }
    REQUIRE(ran);
  }
}

TEST_CASE("tasks may be left to others by a task that ends") {
  parallel::thread_pool pool(2);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::future<int>> left;
    pool.submit([&] {
          for (int i = 0; i < 10; ++i)
            left.push_back(pool.submit([i] { return i; }));
          pool.get(std::move(left[3]));
        })
        .get();
    int sum = 0;
    for (std::future<int>& one : left)
      if (one.valid())
        sum += one.get();
    REQUIRE(sum == 42);
  }
}

TEST_CASE("a task may use a pool of its own that ends before it") {
  parallel::thread_pool pool(2);
  auto sum = pool.submit([] {
    int total = 0;
    {
      parallel::thread_pool inner(2);
      auto one = inner.submit([] { return 1; });
      inner.submit([&] { total += 2; }).get();
      total += inner.get(std::move(one));
    }
    return total;
  });
  CHECK(sum.get() == 3);
}

TEST_CASE("get on an outside thread waits for the future") {
  parallel::thread_pool pool(2);
  CHECK(pool.get(pool.submit([] { return 3; })) == 3);
}

TEST_CASE("tasks map on their own pool") {
  parallel::thread_pool pool(2);
  std::vector<std::future<std::vector<int>>> tasks;
  for (int i = 0; i < 50; ++i)
    tasks.push_back(pool.submit(
        [&] { return parallel::map(pool, test::numbers(100), [](int x) { return x; }); }));
  for (auto& task : tasks)
    CHECK(task.get() == test::numbers(100));
}

TEST_CASE("many threads submit to one pool at once") {
  parallel::thread_pool pool(3);
  std::atomic<int> ran{0};
  std::vector<std::thread> submitters;
  for (int submitter = 0; submitter < 4; ++submitter)
    submitters.emplace_back([&] {
      std::vector<std::future<void>> tasks;
      for (int i = 0; i < 1'000; ++i)
        tasks.push_back(pool.submit([&] { ++ran; }));
      for (std::future<void>& task : tasks)
        task.get();
    });
  for (std::thread& submitter : submitters)
    submitter.join();
  CHECK(ran == 4'000);
}

TEST_CASE("a worker that sleeps is woken for a task") {
  parallel::thread_pool pool(2);
  for (int round = 0; round < 20; ++round) {
    CHECK(pool.submit([round] { return round; }).get() == round);
    std::this_thread::sleep_for(std::chrono::milliseconds(1)); // most likely it sleeps then
  }
}
