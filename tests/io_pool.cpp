// The pool for blocking tasks: how many run at once, in what order, and how failures are reported.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>

#include <atomic>
#include <cstddef>
#include <future>
#include <latch>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using parallel::io_pool;
using test::numbers;

TEST_CASE("io_pool map keeps the order of its input") {
  io_pool io({.max_threads = GENERATE(std::size_t{1}, 2U, 8U)});
  const auto doubled = parallel::map(io, numbers(1'000), [](int x) { return 2 * x; });
  REQUIRE(doubled.size() == 1'000);
  bool in_order = true;
  for (std::size_t i = 0; i < doubled.size(); ++i)
    in_order = in_order && doubled[i] == 2 * static_cast<int>(i);
  CHECK(in_order);
}

TEST_CASE("io_pool runs the whole family") {
  io_pool io;
  std::vector<int> out(2);
  CHECK(parallel::map(io, numbers(2), numbers(9), std::plus{}) == std::vector<int>{0, 2});
  CHECK(parallel::map_into(io, numbers(2), out.begin(), [](int x) { return x + 5; }) == out.end());
  CHECK(out == std::vector<int>{5, 6});
  std::atomic<int> sum{0};
  parallel::for_each(io, numbers(10), [&](int x) { sum += x; }, {.in_flight = 3});
  CHECK(sum == 45);
  CHECK(parallel::map(io, std::vector<int>{}, [](int x) { return x; }).empty());
}

TEST_CASE("io_pool runs more blocked calls at once than there are processors") {
  io_pool io({.max_threads = 64});
  std::latch all(64); // each call blocks until all 64 have begun
  parallel::for_each(io, numbers(64), [&](int) { all.arrive_and_wait(); });
  SUCCEED();
}

TEST_CASE("io_pool runs as many submitted tasks at once as it may have threads") {
  io_pool io({.max_threads = 64});
  std::latch all(64);
  std::vector<std::future<void>> tasks;
  for (int i = 0; i < 64; ++i)
    tasks.push_back(io.submit([&] { all.arrive_and_wait(); }));
  for (std::future<void>& task : tasks)
    task.get();
  SUCCEED();
}

TEST_CASE("a call has in_flight elements under way at once and no more") {
  const std::size_t in_flight = GENERATE(std::size_t{1}, 2U, 5U);
  io_pool io({.max_threads = 16});
  test::crowd inside;
  std::latch all(static_cast<std::ptrdiff_t>(in_flight));
  parallel::for_each(io, numbers(200),
                     [&](int x) {
                       const auto self = inside.enter();
                       if (static_cast<std::size_t>(x) < in_flight)
                         all.arrive_and_wait(); // the first ones meet, so the number is reached
                     },
                     {.in_flight = in_flight});
  CHECK(inside.most() == static_cast<int>(in_flight));
}

TEST_CASE("without in_flight a call has max_threads elements under way") {
  io_pool io({.max_threads = 4});
  test::crowd inside;
  std::latch all(4);
  parallel::for_each(io, numbers(200), [&](int x) {
    const auto self = inside.enter();
    if (x < 4)
      all.arrive_and_wait();
  });
  CHECK(inside.most() == 4);
}

TEST_CASE("io_pool map rethrows the exception of the lowest index") {
  io_pool io({.max_threads = 8});
  for (int lowest = 0; lowest < 100; ++lowest) {
    std::vector<std::atomic<bool>> ran(100);
    int caught = -1;
    try {
      parallel::for_each(io, numbers(100), [&](int x) {
        ran[static_cast<std::size_t>(x)] = true;
        if (x >= lowest)
          throw x;
      });
    } catch (int x) {
      caught = x;
    }
    REQUIRE(caught == lowest);
    bool all_below = true;
    for (std::size_t i = 0; i < static_cast<std::size_t>(lowest); ++i)
      all_below = all_below && ran[i];
    REQUIRE(all_below);
  }
}

TEST_CASE("io_pool map destroys the results built before an exception") {
  io_pool io({.max_threads = 4});
  for (int at = 0; at < 20; ++at) {
    CHECK_THROWS_AS(parallel::map(io, numbers(20),
                                  [&](int x) {
                                    if (x == at)
                                      throw std::runtime_error("here");
                                    return test::counted(x);
                                  }),
                    std::runtime_error);
    REQUIRE(test::counted::alive == 0);
  }
}

TEST_CASE("maps nest on an io_pool whose threads are all busy") {
  io_pool io({.max_threads = 2});
  const auto sums = parallel::map(io, numbers(20), [&](int a) {
    const auto inner = parallel::map(io, numbers(20), [&](int b) { return a * b; });
    return std::accumulate(inner.begin(), inner.end(), 0);
  });
  CHECK(sums[19] == 19 * 190);
}

TEST_CASE("a map on an io_pool and one on a thread_pool nest either way") {
  io_pool io({.max_threads = 4});
  parallel::thread_pool pool(3);
  std::atomic<int> count{0};
  parallel::for_each(io, numbers(10), [&](int) {
    parallel::for_each(pool, numbers(10),
                       [&](int) { parallel::for_each(io, numbers(10), [&](int) { ++count; }); },
                       {.grain = 1});
  });
  CHECK(count == 1'000);
}

TEST_CASE("submit returns the result of the task") {
  io_pool io;
  CHECK(io.submit([] { return 42; }).get() == 42);
  CHECK(*io.submit([] { return std::make_unique<int>(7); }).get() == 7);
  auto done = io.submit([] {});
  done.get();
}

TEST_CASE("submit takes callables that can only be moved") {
  io_pool io;
  auto owned = std::make_unique<int>(5);
  CHECK(io.submit([owned = std::move(owned)] { return *owned; }).get() == 5);
}

TEST_CASE("the future of a task that throws throws its exception") {
  io_pool io;
  auto failed = io.submit([]() -> int { throw std::out_of_range("far"); });
  CHECK_THROWS_AS(failed.get(), std::out_of_range);
  CHECK(io.submit([] { return 1; }).get() == 1);
}

TEST_CASE("submit destroys the callable after its call, although a future is still held") {
  io_pool io({.max_threads = 1});
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = owned;
  const std::future<void> held = io.submit([owned = std::move(owned)] {});
  io.submit([] {}).get(); // the one thread has finished with the first task by now
  CHECK(watched.expired());
}

TEST_CASE("tasks begin in the order of their submission") {
  io_pool io({.max_threads = 1});
  std::vector<int> order;
  std::vector<std::future<void>> tasks;
  for (int i = 0; i < 100; ++i)
    tasks.push_back(io.submit([&order, i] { order.push_back(i); }));
  for (std::future<void>& task : tasks)
    task.get();
  CHECK(order == numbers(100));
}

TEST_CASE("submit blocks while the queue is full") {
  constexpr int limit = 3;
  io_pool io({.max_threads = 1, .queue = limit});
  std::atomic<int> begun{0};
  bool within = true;
  std::vector<std::future<void>> tasks;
  for (int submitted = 1; submitted <= 2'000; ++submitted) {
    tasks.push_back(io.submit([&] {
      std::this_thread::yield();
      ++begun;
    }));
    // One more may have left the queue and not yet counted itself.
    within = within && submitted - begun.load() <= limit + 1;
  }
  for (std::future<void>& task : tasks)
    task.get();
  CHECK(within);
}

TEST_CASE("submitters that wait for capacity all get their turn") {
  std::atomic<int> ran{0};
  {
    io_pool io({.max_threads = 2, .queue = 1});
    std::vector<std::thread> submitters;
    for (int i = 0; i < 8; ++i)
      submitters.emplace_back([&] {
        for (int task = 0; task < 200; ++task)
          io.submit([&] { ++ran; });
      });
    for (std::thread& submitter : submitters)
      submitter.join();
  }
  CHECK(ran == 1'600);
}

TEST_CASE("a submit from the pool's own thread does not wait for capacity") {
  io_pool io({.max_threads = 1, .queue = 1});
  std::vector<std::future<int>> inner;
  io.submit([&] {
      for (int i = 0; i < 10; ++i)
        inner.push_back(io.submit([i] { return i; }));
    }).get();
  CHECK(inner.back().get() == 9);
}

TEST_CASE("tasks may wait with get() for tasks that they submit, on any number of threads") {
  for (const std::size_t size : {1U, 2U, 3U}) {
    io_pool io({.max_threads = size});
    const auto count = [&](const auto& self, int depth) -> int {
      if (depth == 0)
        return 1;
      auto left = io.submit([&self, depth] { return self(self, depth - 1); });
      auto right = io.submit([&self, depth] { return self(self, depth - 1); });
      return io.get(std::move(left)) + io.get(std::move(right));
    };
    CHECK(io.submit([&] { return count(count, 7); }).get() == 128);
  }
}

TEST_CASE("elements of a map wait with get() for tasks that they submit") {
  io_pool io({.max_threads = 2});
  const auto ones =
      parallel::map(io, numbers(50), [&](int x) { return io.get(io.submit([x] { return x; })); });
  CHECK(ones == numbers(50));
}

TEST_CASE("get of a shared future gives a copy") {
  io_pool io;
  static_assert(std::is_same_v<decltype(io.get(std::shared_future<std::string>())), std::string>);
  CHECK(io.get(io.submit([] { return std::string("kept"); }).share()) == "kept");
}

TEST_CASE("the destructor runs every task that is queued") {
  std::atomic<int> ran{0};
  {
    io_pool io({.max_threads = 2});
    for (int i = 0; i < 500; ++i)
      io.submit([&] { ++ran; });
  }
  CHECK(ran == 500);
}

TEST_CASE("the destructor runs the tasks that tasks still submit") {
  std::atomic<int> ran{0};
  {
    io_pool io({.max_threads = 3});
    for (int i = 0; i < 20; ++i)
      io.submit([&] {
        ++ran;
        io.submit([&] { ++ran; });
      });
  }
  CHECK(ran == 40);
}

TEST_CASE("the destructor waits for tasks that wait for tasks they submit") {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> result{0};
    std::atomic<bool> ending{false};
    {
      std::latch both(2);
      io_pool io({.max_threads = 2});
      std::future<void> other = io.submit([&] { both.arrive_and_wait(); });
      io.submit([&] {
        both.arrive_and_wait(); // so that there are two threads, one of them soon idle
        while (!ending)
          std::this_thread::yield();
        for (int i = 0; i < round; ++i)
          std::this_thread::yield(); // so that each round meets the destructor at a different
                                     // moment
        result = io.submit([] { return 7; }).get();
      });
      other.get();
      ending = true;
    }
    REQUIRE(result == 7);
  }
}

TEST_CASE("a full queue does not reduce how many calls of a map run at once") {
  io_pool io({.max_threads = 9, .queue = 1});
  std::latch all(8);
  parallel::for_each(io, numbers(8), [&](int) { all.arrive_and_wait(); }, {.in_flight = 8});
  SUCCEED();
}

TEST_CASE("pools may be made and destroyed in quick succession") {
  std::atomic<int> ran{0};
  for (int round = 0; round < 300; ++round) {
    io_pool io({.max_threads = 1 + static_cast<std::size_t>(round) % 4});
    io.submit([&] { ++ran; });
  }
  CHECK(ran == 300);
}

TEST_CASE("io_pool refuses limits out of range and names them") {
  CHECK_THROWS_WITH(io_pool({.max_threads = 0}),
                    "parallel::io_pool: max_threads is 0, must be from 1 to 65536");
  CHECK_THROWS_WITH(io_pool({.max_threads = 70'000}),
                    "parallel::io_pool: max_threads is 70000, must be from 1 to 65536");
  CHECK_THROWS_WITH(io_pool({.queue = 0}), "parallel::io_pool: queue is 0, must be at least 1");
}
