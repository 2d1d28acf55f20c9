// Which workers come to a job: those that are awake, those that sleep if the job wakes them, and
// more when it is opened further.
#include "catch.hpp"

#include <parallel/detail/loop/run_loop.hpp>
#include <parallel/detail/scheduler/participant_scope.hpp>
#include <parallel/detail/scheduler/scheduler.hpp>
#include <parallel/detail/scheduler/worker.hpp>
#include <parallel/pool_options.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

namespace {

/// Its helpers run `part`, or without one wait inside until the gate is opened.
struct gated : parallel::detail::job {
  using parallel::detail::job::job;
  void help(std::uint32_t, parallel::detail::loop_counts&) noexcept override {
    if (part != nullptr)
      part();
    else
      gate.wait();
  }
  std::function<void()> part;
  std::latch gate{1};
};

class pool_of {
 public:
  explicit pool_of(std::size_t threads)
      : all({.threads = threads}, [](std::size_t participants) -> parallel::detail::job* {
          return new gated(participants);
        }) {}

  gated& open(std::size_t slots, std::size_t wakes, std::function<void()> part = nullptr) {
    auto& work = static_cast<gated&>(all.acquire_job());
    work.part = std::move(part);
    all.open(work, slots, wakes);
    return work;
  }

  void close(gated& work) {
    work.gate.count_down();
    all.close(work);
  }

  /// Returns when all workers that have been started sleep.
  void wait_for_sleep() const {
    for (bool asleep = false; !asleep; std::this_thread::yield()) {
      asleep = true;
      all.for_each_started_worker([&](const parallel::detail::worker& each) {
        asleep = asleep && each.parks.get() > each.wakes.get();
      });
    }
  }

  parallel::detail::scheduler all;
};

void wait_until_joined(const gated& work, std::uint32_t helpers) {
  while (work.joined() != helpers)
    std::this_thread::yield();
}

/// Returns when all of its workers have been started, and sleep.
void put_to_sleep(pool_of& pool) {
  const auto workers = static_cast<std::uint32_t>(pool.all.concurrency() - 1);
  gated& work = pool.open(workers, workers);
  wait_until_joined(work, workers);
  pool.close(work);
  pool.wait_for_sleep();
}

} // namespace

TEST_CASE("a job starts workers, and each that joins gets more going") {
  pool_of pool(4);
  gated& work = pool.open(3, 3);
  wait_until_joined(work, 3);
  pool.close(work);
}

TEST_CASE("a job that wakes nobody is left to its owner while all workers sleep") {
  pool_of pool(4);
  put_to_sleep(pool);
  gated& work = pool.open(3, 0);
  pool.close(work);
  CHECK(work.joined() == 0);
}

TEST_CASE("a worker that is awake joins a job that wakes nobody, and wakes nobody for it") {
  pool_of pool(4);
  put_to_sleep(pool);
  gated& only = pool.open(1, 1); // keeps one worker awake
  wait_until_joined(only, 1);
  gated& second = pool.open(3, 0);
  only.gate.count_down();
  wait_until_joined(second, 1);
  pool.close(second);
  pool.all.close(only);
  while (pool.all.awake() != 0) // a worker counts its wake before it sleeps again
    std::this_thread::yield();
  std::uint64_t wakes = 0;
  pool.all.for_each_started_worker(
      [&](const parallel::detail::worker& each) { wakes += each.wakes.get(); });
  CHECK(second.joined() == 1);
  CHECK(wakes == 1);
}

TEST_CASE("workers that sleep come to a job that a participant has opened further") {
  pool_of pool(4);
  put_to_sleep(pool);
  gated& work = pool.open(1, 1);
  wait_until_joined(work, 1);
  pool.all.open_further(work, 2);
  wait_until_joined(work, 3);
  pool.close(work);
}

TEST_CASE("an owner that waits is notified of slots that are added to a job within its own") {
  pool_of pool(2);
  int helped = 0;
  // The worker's part of the outer job: opens a job within it, without a slot at first, which only
  // the owner of the outer job could join. The owner is notified then already, in vain.
  const auto script = [&] {
    for (int round = 0; round < 100 && helped == round; ++round) {
      gated& inner = pool.open(0, 0, [&] { ++helped; });
      for (int wait = 0; wait < 16; ++wait)
        std::this_thread::yield();
      pool.all.open_further(inner, 1);
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (inner.joined() == 0 && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
      pool.all.close(inner);
    }
  };
  gated& outer = pool.open(1, 1, script);
  {
    parallel::detail::participant_scope scope(pool.all, outer);
    while (outer.joined() == 0)
      std::this_thread::yield();
    pool.all.close(outer);
  }
  CHECK(helped == 100);
}

TEST_CASE("no more threads take part in a job than it can count") {
  const auto make = [](std::size_t participants) -> parallel::detail::job* {
    return new gated(participants);
  };
  CHECK(parallel::detail::scheduler({.threads = 8}, make).most_participants() == 8);
  CHECK(parallel::detail::scheduler({.threads = 40'000}, make).most_participants() == 32'703);
}

TEST_CASE("a loop gets more threads when its elements turn out expensive") {
  using namespace std::chrono_literals;
  parallel::detail::scheduler pool({.threads = 4}, parallel::detail::make_loop);
  parallel::detail::cost_model cheap(2); // 2,000 of these are worth one worker
  std::mutex guard;
  std::set<std::thread::id> threads;
  const auto body = [&](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin) {
      const auto start = std::chrono::steady_clock::now();
      for (bool all_here = false; !all_here && std::chrono::steady_clock::now() < start + 5ms;) {
        const std::lock_guard lock(guard);
        threads.insert(std::this_thread::get_id());
        all_here = threads.size() == 4;
      }
    }
  };
  parallel::detail::share(pool, parallel::detail::loop_body(body), 0, 2'000, 1, &cheap);
  CHECK(threads.size() == 4);
}
