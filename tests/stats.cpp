// The statistics of a pool: everything is counted, once, and can be read at any time.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/stats.hpp>
#include <parallel/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

using parallel::io_pool;
using parallel::stats;
using parallel::thread_pool;

namespace {

/// Waits, without a time limit, until is_so().
template <class Condition>
void until(const Condition& is_so) {
  while (!is_so())
    std::this_thread::yield();
}

/// Waits until the pool's only thread sleeps, and returns the statistics.
template <class Pool>
auto when_asleep(Pool& pool) {
  auto all = stats(pool);
  until([&] {
    all = stats(pool);
    return all.parks == all.wakes + 1;
  });
  return all;
}

} // namespace

TEST_CASE("a pool that has done nothing has counted nothing") {
  const thread_pool pool(4);
  const parallel::thread_pool_stats all = stats(pool);
  CHECK(all.calls == 0);
  CHECK(all.tasks == 0);
  CHECK(all.chunks == 0);
  CHECK(all.steals == 0);
  CHECK(all.parks == 0);
  CHECK(all.wakes == 0);
  CHECK(all.workers.empty());
}

TEST_CASE("a pool counts each shared call once, and each of its chunks") {
  thread_pool pool(4);
  const std::vector<int> xs = test::numbers(1000);
  constexpr std::uint64_t calls = 20;
  for (std::uint64_t call = 0; call < calls; ++call)
    parallel::for_each(pool, xs, [](int) {}, {.grain = 10});
  const parallel::thread_pool_stats all = stats(pool);
  CHECK(all.calls == calls);
  CHECK(all.chunks == calls * 100);
  std::uint64_t by_workers = 0;
  for (const parallel::worker_stats& each : all.workers)
    by_workers += each.chunks;
  CHECK(by_workers <= all.chunks);
  CHECK(all.workers.size() <= 3);
}

TEST_CASE("chunks are still counted under their name in version 1.0, blocks") {
  thread_pool pool(2);
  parallel::for_each(pool, test::numbers(100), [](int) {}, {.grain = 1});
  pool.submit([] {}).get(); // so that there is a worker
  const parallel::thread_pool_stats all = stats(pool);
  CHECK(all.blocks == all.chunks);
  REQUIRE_FALSE(all.workers.empty());
  CHECK(all.workers[0].blocks == all.workers[0].chunks);
}

TEST_CASE("a pool counts the chunks of nested calls") {
  thread_pool pool(3);
  const std::vector<int> xs = test::numbers(20);
  parallel::for_each(pool, xs, [&](int) { parallel::for_each(pool, xs, [](int) {}, {.grain = 1}); },
                     {.grain = 1});
  CHECK(stats(pool).calls == 21);
  CHECK(stats(pool).chunks == 20 + 20 * 20);
}

TEST_CASE("a pool counts no call that its caller runs alone") {
  thread_pool pool(1);
  parallel::for_each(pool, test::numbers(1000), [](int) {}, {.grain = 1});
  CHECK(stats(pool).calls == 0);
  CHECK(stats(pool).chunks == 0);
}

TEST_CASE("a worker that takes from the caller's share has stolen") {
  thread_pool pool(2);
  std::latch others(3);
  // Two elements each: the caller cannot go on before its second one has been stolen from it.
  parallel::for_each(pool, test::numbers(4),
                     [&](int x) {
                       if (x == 0)
                         others.wait();
                       else
                         others.count_down();
                     },
                     {.grain = 1});
  const parallel::thread_pool_stats all = stats(pool);
  CHECK(all.steals >= 1);
  REQUIRE(all.workers.size() == 1);
  CHECK(all.workers[0].steals >= 1);
  CHECK(all.workers[0].chunks >= 3); // the first one, too, if the caller is slow to begin
  CHECK(all.chunks == 4);
}

TEST_CASE("a pool counts the tasks that have begun") {
  thread_pool pool(2);
  std::vector<std::future<void>> done;
  for (int i = 0; i < 50; ++i)
    done.push_back(pool.submit([] {}));
  for (std::future<void>& each : done)
    each.get();
  CHECK(stats(pool).tasks == 50);
}

TEST_CASE("a worker's sleeps and wakes are counted, and differ by one while it sleeps") {
  thread_pool pool(1);
  pool.submit([] {}).get();
  const std::uint64_t before = when_asleep(pool).parks; // it may have slept before the task came
  pool.submit([] {}).get();
  CHECK(when_asleep(pool).parks == before + 1);
  pool.shutdown();
  const parallel::thread_pool_stats all = stats(pool);
  REQUIRE(all.workers.size() == 1);
  CHECK(all.workers[0].number == 0);
  CHECK(all.workers[0].parks == before + 1);
  CHECK(all.workers[0].wakes == before + 1);
}

TEST_CASE("a wake is counted once it has ended a sleep") {
  // The worker is woken between the announcement of its sleep and the sleep itself.
  struct sleeper {
    std::latch announced{1};
    std::latch woken{1};
    std::latch awake{1};
    std::latch over{1};
    parallel::detail::workers* all = nullptr;

    static void work(void* pool, parallel::detail::worker& self) noexcept {
      auto& own = *static_cast<sleeper*>(pool);
      bool is_first = true;
      const auto any_work = [&] {
        if (!own.all->can_wake_one(0)) // it has not announced itself
          return false;
        if (std::exchange(is_first, false)) {
          own.announced.count_down();
          own.woken.wait();
        }
        return false;
      };
      static_cast<void>(own.all->wait_for_work(self, any_work, [] { return true; }));
      own.awake.count_down();
      own.over.wait();
    }
  };
  sleeper own;
  parallel::detail::workers pool({.threads = 1}, {.work = sleeper::work}, &own);
  own.all = &pool;
  const auto counted = [&] {
    std::vector<std::uint64_t> wakes_and_parks;
    pool.for_each_started([&](const parallel::detail::worker& each) {
      wakes_and_parks = {each.wakes.get(), each.parks.get()};
    });
    return wakes_and_parks;
  };
  REQUIRE(pool.start_one(1));
  own.announced.wait();
  CHECK(pool.wake_one(1));
  CHECK(counted() == std::vector<std::uint64_t>{0, 0});
  own.woken.count_down();
  own.awake.wait();
  CHECK(counted() == std::vector<std::uint64_t>{1, 1});
  own.over.count_down();
  pool.stop();
}

TEST_CASE("a worker's time counts as busy while it has work, and as idle while it has none") {
  thread_pool pool(1);
  const auto only = [&] { return stats(pool).workers.at(0); };
  std::latch started(1);
  std::latch end(1);
  std::future<void> task = pool.submit([&] {
    started.count_down();
    end.wait();
  });
  started.wait();
  const parallel::worker_stats at_work = only();
  until([&] { return only().busy > at_work.busy + std::chrono::microseconds(200); });
  end.count_down();
  task.get();
  static_cast<void>(when_asleep(pool));
  const parallel::worker_stats at_rest = only();
  CHECK(at_rest.busy > at_work.busy);
  until([&] { return only().idle > at_rest.idle + std::chrono::microseconds(200); });
  CHECK(only().busy == at_rest.busy);
}

TEST_CASE("a worker's time stands still when it has ended") {
  thread_pool pool(1);
  pool.submit([] {}).get();
  pool.shutdown();
  const parallel::worker_stats before = stats(pool).workers.at(0);
  CHECK(before.busy.count() + before.idle.count() > 0);
  const parallel::worker_stats after = stats(pool).workers.at(0);
  CHECK(after.busy == before.busy);
  CHECK(after.idle == before.idle);
}

TEST_CASE("compensating workers are counted among the workers") {
  thread_pool pool(1);
  std::latch other(1);
  std::future<void> first = pool.submit([&] { parallel::blocking([&] { other.wait(); }); });
  pool.submit([&] { other.count_down(); }).get();
  first.get();
  const parallel::thread_pool_stats all = stats(pool);
  CHECK(all.tasks == 2);
  REQUIRE(all.workers.size() == 2);
  CHECK(all.workers[0].number == 0);
  CHECK(all.workers[1].number == 1);
}

TEST_CASE("what a pool has counted never decreases, however busy it is") {
  thread_pool pool(3);
  std::atomic<bool> ended{false};
  std::thread observer([&] {
    parallel::thread_pool_stats before = stats(pool);
    bool decreased = false;
    while (!ended) {
      const parallel::thread_pool_stats after = stats(pool);
      decreased |= after.calls < before.calls || after.chunks < before.chunks ||
                   after.steals < before.steals || after.tasks < before.tasks ||
                   after.parks < before.parks || after.wakes < before.wakes ||
                   after.workers.size() < before.workers.size();
      before = after;
    }
    CHECK_FALSE(decreased);
  });
  const std::vector<int> xs = test::numbers(300);
  for (int call = 0; call < 200; ++call) {
    parallel::for_each(pool, xs, [](int) {}, {.grain = 1});
    pool.submit([] {}).get();
  }
  ended = true;
  observer.join();
  CHECK(stats(pool).chunks == 200 * 300);
}

TEST_CASE("the default pool has its statistics, too") {
  const std::uint64_t before = stats().calls;
  parallel::for_each(test::numbers(100), [](int) {}, {.grain = 1});
  const std::uint64_t shared = parallel::default_pool().size() > 1 ? 1 : 0;
  CHECK(stats().calls == before + shared);
}

TEST_CASE("an io_pool that has done nothing has counted nothing") {
  io_pool pool;
  const parallel::io_pool_stats all = stats(pool);
  CHECK(all.calls == 0);
  CHECK(all.tasks == 0);
  CHECK(all.running == 0);
  CHECK(all.queued == 0);
  CHECK(all.threads == 0);
  CHECK(all.most_threads == 0);
  CHECK(all.threads_made == 0);
  CHECK(all.parks == 0);
  CHECK(all.wakes == 0);
}

TEST_CASE("an io_pool counts its calls and the tasks that have begun") {
  io_pool pool({.max_threads = 4});
  for (int call = 0; call < 10; ++call)
    parallel::for_each(pool, test::numbers(20), [](int) {});
  std::vector<std::future<void>> done;
  for (int i = 0; i < 300; ++i)
    done.push_back(pool.submit([] {}));
  for (std::future<void>& each : done)
    each.get();
  pool.shutdown();
  const parallel::io_pool_stats all = stats(pool);
  CHECK(all.calls == 10);
  CHECK(all.tasks == 300);
  CHECK(all.running == 0);
  CHECK(all.queued == 0);
  CHECK(all.threads_made >= 1);
  CHECK(all.most_threads >= 1);
  CHECK(all.most_threads <= 4);
}

TEST_CASE("an io_pool says what is running, and what waits") {
  io_pool pool({.max_threads = 2});
  std::latch both(2);
  std::latch end(1);
  std::vector<std::future<void>> done;
  for (int i = 0; i < 2; ++i)
    done.push_back(pool.submit([&] {
      both.count_down();
      end.wait();
    }));
  both.wait();
  done.push_back(pool.submit([] {}));
  const parallel::io_pool_stats all = stats(pool);
  CHECK(all.running == 2);
  CHECK(all.queued == 1);
  CHECK(all.tasks == 2);
  CHECK(all.threads == 2);
  CHECK(all.most_threads == 2);
  CHECK(all.threads_made == 2);
  end.count_down();
  for (std::future<void>& each : done)
    each.get();
  CHECK(stats(pool).tasks == 3);
}

TEST_CASE("an io_pool counts the sleeps of its threads, and their wakes") {
  io_pool pool({.max_threads = 1});
  pool.submit([] {}).get();
  const std::uint64_t before = when_asleep(pool).parks;
  pool.submit([] {}).get();
  CHECK(when_asleep(pool).parks == before + 1);
}
