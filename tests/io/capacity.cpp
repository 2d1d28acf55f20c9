// The room in a bounded queue: who gets it, and in what order.
#include "catch.hpp"

#include <parallel/detail/io/capacity.hpp>
#include <parallel/detail/platform/spin_then_lock.hpp>

#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

using parallel::detail::queue_capacity;

TEST_CASE("room is taken up to the limit, beyond it on purpose only, and given back") {
  queue_capacity room(2);
  CHECK(room.try_take());
  CHECK(room.try_take());
  CHECK_FALSE(room.try_take());
  room.take_beyond();
  room.give_back();
  CHECK_FALSE(room.try_take()); // two are in it still
  room.give_back();
  CHECK(room.try_take());
}

TEST_CASE("room that is given back belongs to whoever has waited longest: nobody overtakes") {
  queue_capacity room(1);
  parallel::detail::mutex guard;
  std::vector<int> order;
  CHECK(room.try_take());
  std::vector<std::thread> waiting;
  std::size_t begun = 0; // guarded, as is order
  for (int i = 0; i < 5; ++i) {
    waiting.emplace_back([&, i] {
      std::unique_lock held(guard);
      ++begun;
      room.wait_and_take(held);
      order.push_back(i);
      room.give_back();
    });
    for (bool waits = false; !waits;) { // one after another
      const std::lock_guard held(guard);
      waits = begun == waiting.size();
    }
  }
  bool overtook = false;
  {
    const std::lock_guard held(guard);
    room.give_back();
    overtook = room.try_take();
  }
  for (std::thread& one : waiting)
    one.join();
  CHECK_FALSE(overtook);
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(room.try_take());
}

TEST_CASE("all who wait are let in when a queue is closed") {
  queue_capacity room(1);
  parallel::detail::mutex guard;
  CHECK(room.try_take());
  std::vector<std::thread> waiting;
  std::size_t begun = 0;
  for (int i = 0; i < 3; ++i)
    waiting.emplace_back([&] {
      std::unique_lock held(guard);
      ++begun;
      room.wait_and_take(held);
    });
  for (bool all = false; !all;) {
    const std::lock_guard held(guard);
    all = begun == waiting.size();
    if (all)
      room.let_all_in();
  }
  for (std::thread& one : waiting)
    one.join();
  CHECK_FALSE(room.anybody_waits());
}

namespace {

/// A lock on a mutex that another thread has while it is looked at so many times.
struct slow_lock {
  bool try_lock() { return tries++ == held_for; }
  void lock() { sleeps = true; }
  int held_for = 0;
  int tries = 0;
  bool sleeps = false;
};

} // namespace

TEST_CASE("a thread lets others run many times before it sleeps for a mutex") {
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
