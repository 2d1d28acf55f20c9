// What map_async promises: a map that runs in the background.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/io_pool.hpp>
#include <parallel/map_async.hpp>
#include <parallel/serial.hpp>

#include <future>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

using test::numbers;

TEMPLATE_TEST_CASE("map_async gives a future of map's result", "", parallel::thread_pool,
                   parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  std::future<std::vector<int>> later =
      parallel::map_async(executor, numbers(1'000), [](int x) { return x; });
  CHECK(later.get() == numbers(1'000));
}

TEST_CASE("map_async returns before its elements have run") {
  test::gate open;
  auto later = parallel::map_async(numbers(3), [&](int x) {
    open.wait();
    return x;
  });
  open.open(); // a call that did not return at once would wait forever
  CHECK(later.get() == numbers(3));
}

TEST_CASE("map_async keeps its range and its callable until they have run") {
  std::vector<std::unique_ptr<int>> owned;
  owned.push_back(std::make_unique<int>(4));
  auto later = parallel::map_async(
      std::move(owned),
      [factor = std::make_unique<int>(10)](const std::unique_ptr<int>& x) { return *x * *factor; });
  CHECK(later.get() == std::vector<int>{40});
  const std::vector<int> outlives = numbers(100);
  CHECK(parallel::map_async(std::span(outlives), [](int x) { return x; }).get() == outlives);
}

TEST_CASE("the future of map_async throws the exception of the lowest index") {
  auto later = parallel::map_async(numbers(100), [](int x) {
    if (x >= 30)
      throw x;
    return x;
  });
  int caught = 0;
  try {
    later.get();
  } catch (int x) {
    caught = x;
  }
  CHECK(caught == 30);
}

TEST_CASE("map_async takes map's options") {
  auto later = parallel::map_async(numbers(10), [](int x) { return x; },
                                   {.deadline = std::chrono::seconds(0)});
  CHECK_THROWS_AS(later.get(), parallel::deadline_exceeded);
}

TEST_CASE("a task may wait for a map_async of its own pool, whatever the number of workers") {
  parallel::thread_pool pool(1);
  auto sum = pool.submit([&] {
    return pool.get(parallel::map_async(pool, numbers(10), [](int x) { return x; })).size();
  });
  CHECK(sum.get() == 10);
}

TEST_CASE("submit on serial runs the task at once") {
  int ran = 0;
  auto done = parallel::serial.submit([&] { return ++ran; });
  CHECK(ran == 1);
  CHECK(parallel::serial.get(std::move(done)) == 1);
  auto failed = parallel::serial.submit([]() -> int { throw std::out_of_range("far"); });
  CHECK_THROWS_AS(failed.get(), std::out_of_range);
}
