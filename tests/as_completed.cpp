// as_completed: futures in the order in which they become ready.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/as_completed.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/serial.hpp>
#include <parallel/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using parallel::as_completed;
using test::token;
using namespace std::chrono_literals;

TEMPLATE_TEST_CASE("as_completed gives every future once, when it is ready, with its index", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  for (int round = 0; round < 50; ++round) {
    std::vector<std::future<int>> tasks;
    for (int i = 0; i < 100; ++i)
      tasks.push_back(executor.submit([i] { return i; }));
    std::vector<int> seen(100, 0);
    for (auto [index, future] : as_completed(executor, tasks)) {
      REQUIRE(future.wait_for(0s) == std::future_status::ready);
      REQUIRE(future.get() == static_cast<int>(index));
      ++seen[index];
    }
    REQUIRE(seen == std::vector<int>(100, 1));
  }
}

TEST_CASE("as_completed gives what is ready before what is not, whatever their order") {
  parallel::io_pool io({.max_threads = 5});
  std::deque<test::gate> gates(5);
  std::vector<std::future<int>> tasks;
  for (int i = 0; i < 5; ++i)
    tasks.push_back(io.submit([&gates, i] {
      gates[static_cast<std::size_t>(i)].wait();
      return i;
    }));
  const std::vector<std::size_t> order = {3, 0, 4, 1, 2};
  std::vector<std::size_t> seen;
  gates[order[0]].open();
  for (auto [index, future] : as_completed(io, tasks)) {
    seen.push_back(index);
    CHECK(future.get() == static_cast<int>(index));
    if (seen.size() < order.size())
      gates[order[seen.size()]].open(); // the next one ends while the loop waits for it
  }
  CHECK(seen == order);
}

TEST_CASE("exceptions stay in their futures") {
  parallel::thread_pool pool(2);
  std::vector<std::future<int>> tasks;
  tasks.push_back(pool.submit([]() -> int { throw std::out_of_range("far"); }));
  tasks.push_back(pool.submit([] { return 5; }));
  int sum = 0;
  int thrown = 0;
  for (auto [index, future] : as_completed(pool, tasks)) {
    try {
      sum += future.get();
    } catch (const std::out_of_range&) {
      ++thrown;
      CHECK(index == 0);
    }
  }
  CHECK(sum == 5);
  CHECK(thrown == 1);
}

TEMPLATE_TEST_CASE("as_completed within a task runs the tasks that this task has submitted", "",
                   parallel::thread_pool, parallel::io_pool) {
  const auto pool = [] {
    if constexpr (std::is_same_v<TestType, parallel::thread_pool>)
      return std::make_unique<TestType>(std::size_t{1});
    else
      return std::make_unique<TestType>(parallel::io_pool_options{.max_threads = 1});
  }();
  auto sum = pool->submit([&] {
    std::vector<std::future<int>> tasks;
    for (int i = 0; i < 10; ++i)
      tasks.push_back(pool->submit([i] { return i; }));
    int total = 0;
    for (auto [index, future] : as_completed(*pool, tasks))
      total += future.get();
    return total;
  });
  CHECK(sum.get() == 45);
}

TEST_CASE("as_completed takes futures that no pool has made, shared and deferred ones too") {
  std::promise<int> promise;
  std::vector<std::shared_future<int>> futures;
  futures.push_back(promise.get_future().share());
  futures.push_back(std::async(std::launch::deferred, [] { return 2; }).share());
  int sum = 0;
  for (auto [index, future] : as_completed(futures)) {
    sum += future.get();
    if (index == 1)
      promise.set_value(1);
  }
  CHECK(sum == 3);
}

TEST_CASE("as_completed owns a range that is moved in") {
  parallel::thread_pool pool(2);
  std::vector<std::future<int>> tasks;
  for (int i = 0; i < 5; ++i)
    tasks.push_back(pool.submit([i] { return i; }));
  auto view = as_completed(pool, std::move(tasks));
  int sum = 0;
  for (auto [index, future] : view)
    sum += future.get();
  CHECK(sum == 10);
  for (auto one : as_completed(pool, std::vector<std::future<int>>()))
    FAIL(one.index);
}

TEST_CASE("a loop over as_completed may be left early") {
  parallel::thread_pool pool(2);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::future<int>> tasks;
    for (int i = 0; i < 5; ++i)
      tasks.push_back(pool.submit([i] { return i; }));
    for (auto [index, future] : as_completed(pool, tasks)) {
      CHECK(future.get() == static_cast<int>(index));
      break;
    }
    int left = 0;
    for (auto& task : tasks)
      if (task.valid()) {
        task.get();
        ++left;
      }
    REQUIRE(left == 4);
  }
}

TEST_CASE("an invalid future is refused, and the message names its index") {
  parallel::thread_pool pool(1);
  std::vector<std::future<int>> tasks(2);
  tasks[0] = pool.submit([] { return 1; });
  CHECK_THROWS_WITH(as_completed(pool, tasks),
                    "parallel::as_completed: future 1 is not valid: get() has been called, or it "
                    "was moved from");
}

TEST_CASE("as_completed stops waiting at a stop or a deadline") {
  parallel::thread_pool pool(1);
  test::gate open;
  std::vector<std::future<void>> tasks;
  tasks.push_back(pool.submit([&] { open.wait(); }));
  std::atomic<bool> stop{true};
  CHECK_THROWS_AS(as_completed(pool, tasks, {.stop = token{&stop}}).begin(), parallel::stopped);
  CHECK_THROWS_AS(as_completed(pool, tasks, {.deadline = 0s}).begin(), parallel::deadline_exceeded);
  open.open();
  tasks[0].wait();
  int seen = 0;
  for (auto one : as_completed(pool, tasks, {.stop = token{&stop}}))
    seen += one.future.valid() ? 1 : 0; // a future that is ready comes all the same
  CHECK(seen == 1);
}

TEST_CASE("discarded tasks are completed, too") {
  parallel::thread_pool pool(1);
  test::gate open;
  std::latch begun(2);
  std::vector<std::future<void>> tasks;
  tasks.push_back(pool.submit([&] {
    begun.arrive_and_wait();
    open.wait();
  }));
  begun.arrive_and_wait();
  for (int i = 0; i < 5; ++i)
    tasks.push_back(pool.submit([] {}));
  std::thread ends([&] { pool.shutdown(parallel::discard); });
  int discarded = 0;
  for (auto [index, future] : as_completed(pool, tasks)) {
    try {
      future.get();
    } catch (const parallel::shut_down&) {
      if (++discarded == 5)
        open.open();
    }
  }
  ends.join();
  CHECK(discarded == 5);
}

TEST_CASE("as_completed in serial mode waits for tasks of another executor") {
  parallel::io_pool io({.max_threads = 2});
  std::latch asked(1);
  std::vector<std::future<int>> tasks;
  for (int i = 0; i < 2; ++i)
    tasks.push_back(io.submit([&, i] {
      asked.wait();
      return i;
    }));
  parallel::serial_executor serial;
  int sum = 0;
  std::thread other([&] { asked.count_down(); });
  for (auto [index, task] : as_completed(serial, tasks))
    sum += task.get() + 10;
  other.join();
  CHECK(sum == 21);
}

TEST_CASE("loops over one pool's tasks may end in any order") {
  parallel::thread_pool pool(2);
  std::vector<std::future<int>> first;
  std::vector<std::future<int>> second;
  for (int i = 0; i < 3; ++i) {
    first.push_back(pool.submit([i] { return i; }));
    second.push_back(pool.submit([i] { return i; }));
  }
  int sum = 0;
  auto outer = std::make_unique<decltype(as_completed(pool, first))>(as_completed(pool, first));
  auto inner = std::make_unique<decltype(as_completed(pool, second))>(as_completed(pool, second));
  auto from = inner->begin();
  for (auto [index, task] : *outer)
    sum += task.get();
  outer.reset(); // before the one that began later
  for (; from != inner->end(); ++from)
    sum += (*from).future.get();
  CHECK(sum == 6);
}
