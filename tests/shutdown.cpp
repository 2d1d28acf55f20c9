// How pools end while they are still there: shutdown(), with and without what is queued; and what
// their threads are called and do first and last.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/imap.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/stats.hpp>
#include <parallel/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <pthread.h>
#endif

using parallel::io_pool;
using parallel::thread_pool;
using test::numbers;

namespace {

/// A pool of `threads` threads, of either type.
template <class Pool>
Pool make(std::size_t threads, parallel::thread_hook on_start = {},
          parallel::thread_hook on_stop = {}, parallel::thread_name name = {}) {
  if constexpr (std::is_same_v<Pool, thread_pool>)
    return Pool(parallel::thread_pool_options{
        .threads = threads, .name = name, .on_start = on_start, .on_stop = on_stop});
  else
    return Pool(parallel::io_pool_options{
        .max_threads = threads, .name = name, .on_start = on_start, .on_stop = on_stop});
}

} // namespace

#define FOR_EVERY_POOL(name) TEMPLATE_TEST_CASE(name, "", thread_pool, io_pool)

FOR_EVERY_POOL("shutdown runs what is queued, and what that submits") {
  for (int round = 0; round < 100; ++round) {
    auto pool = make<TestType>(static_cast<std::size_t>(round % 3 + 1));
    std::atomic<int> ran{0};
    for (int i = 0; i < 20; ++i)
      pool.submit([&] {
        ++ran;
        pool.submit([&] { ++ran; });
      });
    pool.shutdown();
    REQUIRE(ran == 40);
  }
}

FOR_EVERY_POOL("submit after shutdown throws shut_down") {
  auto pool = make<TestType>(2);
  pool.submit([] {}).get();
  pool.shutdown();
  CHECK_THROWS_AS(pool.submit([] {}), parallel::shut_down);
  CHECK_THROWS_AS(pool.submit([] {}), parallel::error);
  pool.shutdown();
  CHECK_THROWS_WITH(pool.submit([] {}), "parallel: the pool has been shut down");
}

FOR_EVERY_POOL("a pool that was never used can be shut down, and then starts no thread") {
  std::atomic<int> started{0};
  auto pool = make<TestType>(3, [&] { ++started; });
  pool.shutdown();
  CHECK_THROWS_AS(pool.submit([] {}), parallel::shut_down);
  CHECK(parallel::map(pool, numbers(1'000), [](int x) { return x; }) == numbers(1'000));
  CHECK(started == 0);
}

FOR_EVERY_POOL("maps on a pool that has been shut down run on the calling thread alone") {
  auto pool = make<TestType>(3);
  parallel::for_each(pool, numbers(100), [](int) {});
  pool.shutdown();
  const std::thread::id self = std::this_thread::get_id();
  const auto where =
      parallel::map(pool, numbers(1'000), [](int) { return std::this_thread::get_id(); });
  CHECK(where == std::vector<std::thread::id>(1'000, self));
  std::vector<int> seen;
  for (const int x : parallel::imap(pool, numbers(100), [](int y) { return y; }))
    seen.push_back(x);
  CHECK(seen == numbers(100));
}

FOR_EVERY_POOL("a map that is under way when its pool is shut down is completed") {
  for (int round = 0; round < 100; ++round) {
    auto pool = make<TestType>(3);
    std::latch begun(2);
    std::thread ends([&] {
      begun.arrive_and_wait();
      pool.shutdown();
    });
    std::atomic<bool> first{true};
    const auto results = parallel::map(pool, numbers(200), [&](int x) {
      if (first.exchange(false))
        begun.arrive_and_wait();
      return 2 * x;
    });
    ends.join();
    REQUIRE(results.size() == 200);
    REQUIRE(results[199] == 398);
  }
}

FOR_EVERY_POOL("shutdown(discard) drops what nobody has begun, and its futures say so") {
  auto pool = make<TestType>(1);
  test::gate open;
  std::latch begun(2);
  auto first = pool.submit([&] {
    begun.arrive_and_wait();
    open.wait();
    return 1;
  });
  begun.arrive_and_wait();
  std::vector<std::future<int>> dropped;
  auto kept = std::make_shared<int>(0);
  for (int i = 0; i < 100; ++i)
    dropped.push_back(pool.submit([kept] { return ++*kept; }));
  std::thread ends([&] { pool.shutdown(parallel::discard); });
  for (auto& one : dropped) // they are ready while the first one still runs
    CHECK_THROWS_AS(one.get(), parallel::shut_down);
  CHECK(kept.use_count() == 1);
  CHECK_THROWS_AS(pool.submit([] {}), parallel::shut_down);
  open.open();
  ends.join();
  CHECK(first.get() == 1);
  CHECK(*kept == 0);
}

FOR_EVERY_POOL("a running task cannot submit after shutdown(discard)") {
  auto pool = make<TestType>(1);
  std::latch begun(2);
  test::gate open;
  auto refused = pool.submit([&] {
    begun.arrive_and_wait();
    open.wait();
    pool.submit([] {}); // the queue is closed by then
  });
  begun.arrive_and_wait();
  auto dropped = pool.submit([] {});
  std::thread ends([&] { pool.shutdown(parallel::discard); });
  CHECK_THROWS_AS(dropped.get(), parallel::shut_down);
  open.open();
  ends.join();
  CHECK_THROWS_AS(refused.get(), parallel::shut_down);
}

FOR_EVERY_POOL("shutdown(discard) cuts a shutdown short") {
  auto pool = make<TestType>(1);
  test::gate open;
  std::latch begun(2);
  std::atomic<int> ran{0};
  auto first = pool.submit([&] {
    begun.arrive_and_wait();
    open.wait();
  });
  begun.arrive_and_wait();
  auto second = pool.submit([&] { ++ran; });
  std::thread drains([&] { pool.shutdown(); });
  std::thread discards([&] { pool.shutdown(parallel::discard); });
  CHECK_THROWS_AS(second.get(), parallel::shut_down);
  open.open();
  drains.join();
  discards.join();
  first.get();
  CHECK(ran == 0);
}

FOR_EVERY_POOL("submits that race with shutdown are run or refused, never lost") {
  for (int round = 0; round < 200; ++round) {
    auto pool = make<TestType>(2);
    std::atomic<int> ran{0};
    int accepted = 0;
    std::latch both(2);
    std::thread submitter([&] {
      both.arrive_and_wait();
      try {
        for (; accepted < 500; ++accepted)
          pool.submit([&] { ++ran; });
      } catch (const parallel::shut_down&) {
      }
    });
    both.arrive_and_wait();
    for (int i = 0; i < round % 16; ++i)
      std::this_thread::yield(); // a different way each round
    pool.shutdown();
    submitter.join();
    REQUIRE(ran == accepted);
  }
}

FOR_EVERY_POOL("futures that race with shutdown(discard) all become ready") {
  for (int round = 0; round < 200; ++round) {
    auto pool = make<TestType>(2);
    std::vector<std::future<int>> futures;
    std::latch both(2);
    std::thread submitter([&] {
      both.arrive_and_wait();
      try {
        while (futures.size() < 500)
          futures.push_back(pool.submit([] { return 1; }));
      } catch (const parallel::shut_down&) {
      }
    });
    both.arrive_and_wait();
    for (int i = 0; i < round % 16; ++i)
      std::this_thread::yield();
    pool.shutdown(parallel::discard);
    submitter.join();
    int settled = 0;
    for (auto& one : futures) {
      try {
        settled += one.get();
      } catch (const parallel::shut_down&) {
        ++settled;
      }
    }
    REQUIRE(settled == static_cast<int>(futures.size()));
  }
}

FOR_EVERY_POOL("tasks that wait for what they submit finish while the pool is shut down") {
  for (int round = 0; round < 100; ++round) {
    auto pool = make<TestType>(2);
    std::latch both(2);
    std::atomic<bool> ending{false};
    auto other = pool.submit([&] { both.arrive_and_wait(); });
    auto waits = pool.submit([&] {
      both.arrive_and_wait(); // so that there are two threads, one of them soon idle
      while (!ending)
        std::this_thread::yield();
      for (int i = 0; i < round % 16; ++i)
        std::this_thread::yield();
      return pool.submit([] { return 7; }).get(); // not the pool's get(): the other one must run it
    });
    other.get();
    ending = true;
    pool.shutdown();
    REQUIRE(waits.get() == 7);
  }
}

FOR_EVERY_POOL("a task may block on one that it submits while the pool is shut down") {
  for (int round = 0; round < 100; ++round) {
    int result = 0;
    {
      auto pool = make<TestType>(2);
      pool.submit([&] {
        for (int i = 0; i < round % 16; ++i)
          std::this_thread::yield(); // into the destructor, by a different way each round
        result = pool.submit([] { return 7; }).get(); // needs a second thread, not yet started
      });
    }
    REQUIRE(result == 7);
  }
}

FOR_EVERY_POOL("on_stop cannot submit any more, and on_start cannot shut the pool down") {
  std::atomic<int> refused{0};
  TestType* self = nullptr;
  {
    auto pool = make<TestType>(
        1,
        [&] {
          try {
            self->shutdown();
          } catch (const std::system_error&) {
            ++refused;
          }
        },
        [&] {
          try {
            self->submit([] {});
          } catch (const parallel::shut_down&) {
            ++refused;
          }
        });
    self = &pool;
    pool.submit([] {}).get();
  }
  CHECK(refused == 2);
}

TEST_CASE("shutdown does not wait for maps that other threads go on calling") {
  thread_pool pool(2);
  std::atomic<bool> enough{false};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 2; ++caller)
    callers.emplace_back([&] {
      while (!enough)
        parallel::for_each(pool, numbers(10), [](int) {}, {.grain = 1});
    });
  pool.submit([] {}).get();
  pool.shutdown();
  enough = true;
  for (std::thread& caller : callers)
    caller.join();
}

FOR_EVERY_POOL("shutdown on one of the pool's own threads is refused") {
  auto pool = make<TestType>(2);
  // Caught within the task, as ThreadSanitizer does not see how libstdc++ counts the references to
  // an exception that two threads hold.
  const auto refusal = [&](auto... how) {
    try {
      pool.shutdown(how...);
    } catch (const std::system_error& error) {
      return error.code() == std::errc::resource_deadlock_would_occur &&
             std::string(error.what()).find("own") != std::string::npos;
    }
    return false;
  };
  CHECK(pool.submit([&] { return refusal(); }).get());
  CHECK(pool.submit([&] { return refusal(parallel::discard); }).get());
  CHECK(pool.submit([] { return 1; }).get() == 1); // nothing has happened
}

TEST_CASE("a map on a pool that has been shut down starts no worker") {
  thread_pool pool(4);
  pool.shutdown();
  std::atomic<int> sum{0};
  parallel::for_each(pool, numbers(100), [&](int x) { sum += x; }, {.grain = 1});
  pool.shutdown(); // would wait for one
  CHECK(sum == 4950);
  CHECK(parallel::stats(pool).workers.empty());
}

TEST_CASE("a submitter that waits for a full queue is refused when the io_pool is shut down") {
  io_pool io({.max_threads = 1, .queue = 1});
  test::gate open;
  std::latch begun(2);
  io.submit([&] {
    begun.arrive_and_wait();
    open.wait();
  });
  begun.arrive_and_wait();
  io.submit([] {});
  std::atomic<bool> refused{false};
  std::thread waits([&] {
    try {
      io.submit([] {});
    } catch (const parallel::shut_down&) {
      refused = true;
    }
  });
  std::thread ends([&] { io.shutdown(); });
  waits.join(); // before the task has ended
  CHECK(refused);
  open.open();
  ends.join();
}

FOR_EVERY_POOL("on_start is called on each thread before its first task, on_stop after its last") {
  std::mutex mutex;
  std::set<std::thread::id> started;
  std::set<std::thread::id> stopped;
  std::set<std::size_t> numbers_given;
  bool in_time = true;
  std::latch all(3);
  {
    auto pool = make<TestType>(
        3,
        [&](std::size_t number) {
          const std::lock_guard lock(mutex);
          started.insert(std::this_thread::get_id());
          numbers_given.insert(number);
        },
        [&] {
          const std::lock_guard lock(mutex);
          stopped.insert(std::this_thread::get_id());
        });
    std::vector<std::future<void>> tasks;
    for (int i = 0; i < 3; ++i)
      tasks.push_back(pool.submit([&] {
        all.arrive_and_wait();
        const std::lock_guard lock(mutex);
        in_time = in_time && started.contains(std::this_thread::get_id());
      }));
    for (auto& task : tasks)
      task.get();
    CHECK(stopped.empty());
  }
  CHECK(in_time);
  CHECK(started.size() == 3);
  CHECK(started == stopped);
  CHECK(numbers_given.size() == 3);
}

TEST_CASE("no hook is called on the caller of a map") {
  std::atomic<int> on_caller{0};
  const std::thread::id caller = std::this_thread::get_id();
  thread_pool pool({.threads = 2, .on_start = [&] {
                      if (std::this_thread::get_id() == caller)
                        ++on_caller;
                    }});
  parallel::for_each(pool, numbers(1'000), [](int) {}, {.grain = 1});
  CHECK(on_caller == 0);
}

#if defined(__linux__) && !defined(PARALLEL_PORTABLE)
FOR_EVERY_POOL("threads have the pool's name and their number, whatever its length") {
  const auto name_in = [](TestType& pool) {
    return pool
        .submit([] {
          char name[16] = {};
          pthread_getname_np(pthread_self(), name, sizeof name);
          return std::string(name);
        })
        .get();
  };
  auto named = make<TestType>(1, {}, {}, "decode");
  auto also = make<TestType>(1, {}, {}, std::string_view("decode"));
  auto unnamed = make<TestType>(1, {}, {}, "");
  auto longer = make<TestType>(1, {}, {}, std::string("a name that is far too long"));
  const bool is_io = std::is_same_v<TestType, io_pool>;
  CHECK(name_in(named) == (is_io ? "decode/1" : "decode/0"));
  CHECK(name_in(also) == name_in(named));
  CHECK(name_in(unnamed) == (is_io ? "parallel-io/1" : "parallel/0"));
  CHECK(name_in(longer) == (is_io ? "a name that i/1" : "a name that i/0"));
}
#endif

TEST_CASE("the helpers of an imap that is left early do not stay in the queue") {
  thread_pool pool(2);
  test::gate open;
  std::latch begun(3);
  std::vector<std::future<void>> busy;
  for (int i = 0; i < 2; ++i)
    busy.push_back(pool.submit([&] {
      begun.arrive_and_wait();
      open.wait();
    }));
  begun.arrive_and_wait(); // both workers are taken
  std::weak_ptr<int> kept;
  {
    auto owned = std::make_shared<int>(0);
    kept = owned;
    auto results = parallel::imap(pool, numbers(10), [owned](int x) { return x + *owned; });
    owned.reset();
    CHECK(*results.begin() == 0);
  }
  CHECK(kept.expired());
  auto last = pool.submit([] { return 1; });
  open.open();
  CHECK(last.get() == 1);
  for (std::future<void>& task : busy)
    task.get();
}

namespace {

/// Iterates over an endless imap, on a thread of its own, until it is destroyed.
template <class Pool>
class endless_imap {
 public:
  /// Returns when `helpers` threads of the pool have helped.
  endless_imap(Pool& pool, std::size_t helpers) : helpers_(helpers), consumer_([&] { go(pool); }) {
    all_helped_.wait();
  }
  ~endless_imap() {
    left_ = true;
    consumer_.join();
  }

 private:
  void go(Pool& pool) {
    const std::thread::id here = std::this_thread::get_id();
    auto results = parallel::imap(pool, std::views::iota(0L), [&](long x) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1)); // what it computes
      if (std::this_thread::get_id() != here)
        note_helper();
      return x;
    });
    for ([[maybe_unused]] const long result : results)
      if (left_)
        break;
  }

  void note_helper() {
    const std::lock_guard lock(mutex_);
    threads_.insert(std::this_thread::get_id());
    if (threads_.size() == helpers_)
      all_helped_.open();
  }

  const std::size_t helpers_;
  std::atomic<bool> left_{false};
  std::mutex mutex_;
  std::set<std::thread::id> threads_;
  test::gate all_helped_;
  std::thread consumer_;
};

} // namespace

FOR_EVERY_POOL("shutdown does not wait for an imap that goes on") {
  auto pool = make<TestType>(4);
  const endless_imap goes_on(pool, 3);
  pool.shutdown();
  CHECK_THROWS_AS(pool.submit([] {}), parallel::shut_down);
}

FOR_EVERY_POOL("shutdown(discard) does not wait for an imap that goes on") {
  auto pool = make<TestType>(4);
  const endless_imap goes_on(pool, 3);
  pool.shutdown(parallel::discard);
  CHECK_THROWS_AS(pool.submit([] {}), parallel::shut_down);
}

FOR_EVERY_POOL("tasks get their turn beside imaps that go on") {
  auto pool = make<TestType>(2);
  const endless_imap one(pool, 1);
  const endless_imap other(pool, 1);
  const endless_imap third(pool, 1);
  for (int i = 0; i < 10; ++i)
    CHECK(pool.submit([] { return 1; }).get() == 1);
}

FOR_EVERY_POOL("shutdown in on_stop is refused, whether the pool ends or only a thread") {
  for (const bool ends : {true, false}) {
    std::atomic<TestType*> its{nullptr};
    std::atomic<int> refusals{0};
    test::gate refused;
    const auto on_stop = [&] {
      try {
        its.load()->shutdown();
      } catch (const std::system_error&) {
        ++refusals;
      }
      refused.open();
    };
    auto pool = [&] {
      if constexpr (std::is_same_v<TestType, io_pool>)
        return std::make_unique<io_pool>(
            parallel::io_pool_options{.max_threads = 1,
                                      .idle_timeout = std::chrono::milliseconds(ends ? 10'000 : 0),
                                      .on_stop = on_stop});
      else
        return std::make_unique<thread_pool>(
            parallel::thread_pool_options{.threads = 1, .on_stop = on_stop});
    }();
    its = pool.get();
    pool->submit([] {}).get();
    if (std::is_same_v<TestType, io_pool> && !ends)
      refused.wait();
    pool.reset();
    CHECK(refusals == 1);
  }
}
