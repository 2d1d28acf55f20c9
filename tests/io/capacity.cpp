// The capacity of a bounded queue: which submitter gets it, and in what order.
#include "catch.hpp"

#include <parallel/detail/io/capacity.hpp>
#include <parallel/detail/platform/spin_then_lock.hpp>

#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

using parallel::detail::queue_capacity;

TEST_CASE("capacity is acquired up to the limit, beyond it on purpose only, and released") {
  queue_capacity capacity(2);
  CHECK(capacity.try_acquire());
  CHECK(capacity.try_acquire());
  CHECK_FALSE(capacity.try_acquire());
  capacity.acquire_beyond_limit();
  capacity.release();
  CHECK_FALSE(capacity.try_acquire()); // two are still acquired
  capacity.release();
  CHECK(capacity.try_acquire());
}

TEST_CASE("released capacity belongs to the submitter that has waited longest: nobody overtakes") {
  queue_capacity capacity(1);
  parallel::detail::mutex guard;
  std::vector<int> order;
  CHECK(capacity.try_acquire());
  std::vector<std::thread> waiting;
  std::size_t begun = 0; // guarded, as is order
  for (int i = 0; i < 5; ++i) {
    waiting.emplace_back([&, i] {
      std::unique_lock held(guard);
      ++begun;
      capacity.wait_and_acquire(held);
      order.push_back(i);
      capacity.release();
    });
    for (bool waits = false; !waits;) { // so that they wait in this order
      const std::lock_guard held(guard);
      waits = begun == waiting.size();
    }
  }
  bool overtook = false;
  {
    const std::lock_guard held(guard);
    capacity.release();
    overtook = capacity.try_acquire();
  }
  for (std::thread& one : waiting)
    one.join();
  CHECK_FALSE(overtook);
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(capacity.try_acquire());
}

TEST_CASE("all submitters that wait are admitted when a queue is closed") {
  queue_capacity capacity(1);
  parallel::detail::mutex guard;
  CHECK(capacity.try_acquire());
  std::vector<std::thread> waiting;
  std::size_t begun = 0;
  for (int i = 0; i < 3; ++i)
    waiting.emplace_back([&] {
      std::unique_lock held(guard);
      ++begun;
      capacity.wait_and_acquire(held);
    });
  for (bool all = false; !all;) {
    const std::lock_guard held(guard);
    all = begun == waiting.size();
    if (all)
      capacity.admit_all();
  }
  for (std::thread& one : waiting)
    one.join();
  CHECK_FALSE(capacity.has_waiters());
}

namespace {

/// A lock on a mutex that another thread holds until `held_for` tries have failed.
struct slow_lock {
  bool try_lock() { return tries++ == held_for; }
  void lock() { sleeps = true; }
  int held_for = 0;
  int tries = 0;
  bool sleeps = false;
};

} // namespace

TEST_CASE("a thread tries and yields many times before it sleeps for a mutex") {
  for (const int held_for : {0, 1, 200, 250, 299}) {
    slow_lock lock{held_for};
    parallel::detail::spin_then_lock(lock);
    CHECK(lock.tries == held_for + 1);
    CHECK_FALSE(lock.sleeps);
  }
  slow_lock lock{1'000};
  parallel::detail::spin_then_lock(lock);
  CHECK(lock.sleeps);
}
