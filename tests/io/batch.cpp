// A batch: each of its tasks is either started by its thread or put back, never both.
#include "catch.hpp"

#include <parallel/detail/io/batch.hpp>
#include <parallel/detail/task/task_list.hpp>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

using parallel::detail::queued_task;
using parallel::detail::task_batch;
using parallel::detail::task_list;

namespace {

struct task final : queued_task {
  void run() noexcept override {}
  void discard() noexcept override {}
};

} // namespace

TEST_CASE("a batch gives out its tasks in order, and puts back the rest in order") {
  std::vector<task> tasks(16);
  task behind;
  task_list queue;
  for (task& each : tasks)
    queue.push(each, nullptr);
  queue.push(behind, nullptr);
  task_batch batch;
  while (!batch.is_full())
    batch.add(*queue.pop());
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(batch.take_next() == &tasks[i]);
  CHECK(batch.close([&](queued_task& each) { queue.put_back(each); }) == 5);
  CHECK(batch.take_next() == nullptr);
  for (std::size_t i = 5; i < 16; ++i)
    CHECK(queue.pop() == &tasks[i]);
  CHECK(queue.pop() == &behind);
  CHECK(queue.pop() == nullptr);
}

TEST_CASE("a batch whose tasks have all been taken puts none back") {
  task only;
  task_batch batch;
  batch.add(only);
  CHECK(batch.take_next() == &only);
  CHECK(batch.take_next() == nullptr);
  CHECK(batch.take_next() == nullptr);
  CHECK(batch.close([](queued_task&) { FAIL("there is none"); }) == 1);
}

TEST_CASE("each task of a batch is either taken or put back, whenever another thread closes it") {
  std::vector<task> tasks(16);
  for (int round = 0; round < 2'000; ++round) {
    task_batch batch;
    for (task& each : tasks)
      batch.add(each);
    std::atomic<bool> go{false};
    std::size_t counted = 0;
    std::size_t back = 0;
    std::thread other([&] {
      while (!go)
        std::this_thread::yield();
      counted = batch.close([&](queued_task&) { ++back; });
    });
    go = true;
    std::size_t taken = 0;
    while (batch.take_next() != nullptr)
      ++taken;
    other.join();
    REQUIRE(taken == counted);
    REQUIRE(taken + back == tasks.size());
  }
}
