// Joining a job, with a slot or without, leaving it, and the owner's wait for its helpers.
#include "catch.hpp"

#include <parallel/detail/scheduler/job.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

using parallel::detail::job;
using parallel::detail::loop_counts;

namespace {

struct idle_job final : job {
  explicit idle_job(std::size_t helpers = 8) : job(helpers + 1) {}
  void help(std::uint32_t, loop_counts&) noexcept override {}
};

const auto no_spin = [] { return false; };
const auto no_help = [] { return false; };

} // namespace

TEST_CASE("a job has as many slots as it was opened with, numbered from one") {
  idle_job work;
  CHECK_FALSE(work.is_open());
  CHECK(work.join() == 0);
  work.open(2);
  CHECK(work.is_open());
  CHECK(work.join() == 1);
  CHECK(work.is_open());
  CHECK(work.join() == 2);
  CHECK_FALSE(work.is_open());
  CHECK(work.join() == 0);
  CHECK(work.joined() == 2);
  work.leave(2);
  work.leave(1);
  work.wait(no_spin, no_help);
}

TEST_CASE("a job can be opened with the most slots that there are") {
  idle_job work(job::most_inside);
  work.open(job::most_inside);
  for (std::uint32_t slot = 1; slot <= job::most_inside; ++slot)
    if (work.join() != slot)
      FAIL("slot " << slot);
  CHECK(work.join() == 0);
  work.withdraw();
  for (std::uint32_t slot = 1; slot <= job::most_inside; ++slot)
    work.withdraw_and_leave(slot);
  work.wait(no_spin, no_help);
  CHECK(work.joined() == job::most_inside);
  CHECK_FALSE(work.is_open());
  CHECK(work.join() == 0);
}

TEST_CASE("nobody joins a job that a helper has left because nothing is left to start") {
  idle_job work;
  work.open(5);
  CHECK(work.join() == 1);
  CHECK(work.join() == 2);
  CHECK(work.free_slots() == 3);
  work.withdraw_and_leave(1);
  CHECK_FALSE(work.is_open());
  CHECK_FALSE(work.is_open_without_slot());
  CHECK(work.free_slots() == 0);
  CHECK(work.join() == 0);
  CHECK_FALSE(work.join_without_slot());
  CHECK(work.joined() == 2);
  work.leave(2);
  work.withdraw();
  work.wait(no_spin, no_help);
}

TEST_CASE("nobody joins a job that was withdrawn") {
  idle_job work;
  work.open(5);
  CHECK(work.join() == 1);
  work.withdraw();
  CHECK_FALSE(work.is_open());
  CHECK(work.join() == 0);
  CHECK(work.joined() == 1);
  work.leave(1);
  work.wait(no_spin, no_help);
  work.open(1);
  CHECK(work.join() == 1);
}

TEST_CASE("a participant can add slots to its job") {
  idle_job work;
  work.open(1, nullptr, false, false);
  CHECK(work.join() == 1);
  CHECK_FALSE(work.is_open());
  work.add_slots(2);
  CHECK(work.is_open());
  CHECK(work.wakes());
  CHECK(work.join() == 2);
  CHECK(work.join() == 3);
  CHECK(work.join() == 0);
  work.withdraw(); // as a helper does that finds nothing left to start
  work.leave(2);
  work.add_slots(2);
  CHECK_FALSE(work.is_open());
  CHECK(work.join() == 0);
  work.leave(1);
  work.leave(3);
  work.wait(no_spin, no_help);
}

TEST_CASE("slots can be added when a helper has left a job whose slots were all taken") {
  idle_job work;
  work.open(2);
  CHECK(work.join() == 1);
  CHECK(work.join() == 2);
  work.withdraw_and_leave(1);
  work.add_slots(1);
  CHECK(work.join() == 3);
  work.leave(2);
  work.leave(3);
  work.withdraw();
  work.wait(no_spin, no_help);
}

TEST_CASE("no compensating worker joins a job that a helper has left, whose slots were all taken") {
  idle_job work;
  work.open(2);
  CHECK(work.join() == 1);
  CHECK(work.join() == 2);
  CHECK(work.is_open_without_slot());
  work.withdraw_and_leave(2);
  CHECK_FALSE(work.is_open_without_slot());
  CHECK_FALSE(work.join_without_slot());
  work.leave(1);
  work.withdraw();
  work.wait(no_spin, no_help);
}

TEST_CASE("an owner that waits sees what every helper did before it left") {
  constexpr int helpers = 3;
  constexpr std::uint32_t rounds = 2'000;
  idle_job work;
  std::uint32_t helped[helpers] = {}; // plain: handed over by leave() and wait()
  std::atomic<std::uint32_t> opened{0};
  std::vector<std::thread> threads;
  for (std::uint32_t& mine : helped)
    threads.emplace_back([&] {
      for (std::uint32_t round = 1; round <= rounds; ++round) {
        while (opened.load() < round)
          std::this_thread::yield();
        const std::uint32_t slot = work.join();
        if (slot == 0)
          continue; // withdrawn already
        ++mine;
        work.leave(slot);
      }
    });
  std::uint32_t joined = 0;
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    work.open(helpers);
    opened = round;
    while (round % 8 == 1 && work.joined() == 0)
      std::this_thread::yield();
    work.withdraw();
    work.wait(
        [&] { // sleeps at once in half of the rounds, and spins in the others
          std::this_thread::yield();
          return round % 2 == 0;
        },
        no_help);
    joined += work.joined();
    if (helped[0] + helped[1] + helped[2] != joined)
      FAIL("round " << round);
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK(joined >= rounds / 8);
}

TEST_CASE("an owner that waits is notified when a helper opens a job within its own") {
  for (int round = 0; round < 2'000; ++round) {
    idle_job outer;
    idle_job inner;
    outer.open(1);
    REQUIRE(outer.join() == 1);
    std::thread helper([&] {
      inner.open(1, &outer);
      outer.notify_owner();
      inner.wait([] { return true; }, no_help); // until the owner has joined and left
      while (inner.joined() == 0)
        std::this_thread::yield();
      outer.leave(1);
    });
    outer.withdraw();
    int helped = 0;
    outer.wait([&] { return round % 2 == 0; }, // sleeps at once in half of the rounds
               [&] {
                 if (inner.parent() != &outer || inner.join() == 0)
                   return false;
                 inner.leave(1);
                 ++helped;
                 return true;
               });
    helper.join();
    REQUIRE(helped == 1);
  }
}
