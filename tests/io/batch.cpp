// Tasks taken several at a time: begun by their thread or put back, never both.
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

TEST_CASE("a hand gives out its tasks in order, and what is left goes back in order") {
  std::vector<task> tasks(16);
  task behind;
  task_list queue;
  for (task& each : tasks)
    queue.push(each, nullptr);
  queue.push(behind, nullptr);
  task_batch hand;
  while (!hand.is_full())
    hand.add(*queue.pop());
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(hand.claim() == &tasks[i]);
  CHECK(hand.close([&](queued_task& each) { queue.put_back(each); }) == 5);
  CHECK(hand.claim() == nullptr);
  for (std::size_t i = 5; i < 16; ++i)
    CHECK(queue.pop() == &tasks[i]);
  CHECK(queue.pop() == &behind);
  CHECK(queue.pop() == nullptr);
}

TEST_CASE("a hand that was claimed to its end has nothing left to put back") {
  task only;
  task_batch hand;
  hand.add(only);
  CHECK(hand.claim() == &only);
  CHECK(hand.claim() == nullptr);
  CHECK(hand.claim() == nullptr);
  CHECK(hand.close([](queued_task&) { FAIL("there is none"); }) == 1);
}

TEST_CASE("each task of a hand is either claimed or put back, whenever somebody closes it") {
  std::vector<task> tasks(16);
  for (int round = 0; round < 2'000; ++round) {
    task_batch hand;
    for (task& each : tasks)
      hand.add(each);
    std::atomic<bool> go{false};
    std::size_t begun = 0;
    std::size_t back = 0;
    std::thread other([&] {
      while (!go)
        std::this_thread::yield();
      begun = hand.close([&](queued_task&) { ++back; });
    });
    go = true;
    std::size_t claimed = 0;
    while (hand.claim() != nullptr)
      ++claimed;
    other.join();
    REQUIRE(claimed == begun);
    REQUIRE(claimed + back == tasks.size());
  }
}
