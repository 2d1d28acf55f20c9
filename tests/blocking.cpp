// Calls that block within work that computes, and the compensating workers that run meanwhile.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/blocking.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <atomic>
#include <cstddef>
#include <deque>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using parallel::blocking;
using parallel::thread_pool;
using test::numbers;

TEST_CASE("blocking outside a pool just calls the function") {
  CHECK(blocking([] { return 7; }) == 7);
  int x = 0;
  static_assert(std::is_same_v<decltype(blocking([&]() -> int& { return x; })), int&>);
  blocking([&] { x = 1; });
  CHECK(x == 1);
  CHECK(*blocking([] { return std::make_unique<int>(3); }) == 3);
  CHECK_THROWS_AS(blocking([]() -> int { throw std::runtime_error("no"); }), std::runtime_error);
}

TEST_CASE("a third task runs while both workers of a pool of two are blocked") {
  thread_pool pool(2);
  for (int round = 0; round < 50; ++round) {
    std::latch third(1);
    const auto wait_for_third = [&] { blocking([&] { third.wait(); }); };
    auto first = pool.submit(wait_for_third);
    auto second = pool.submit(wait_for_third);
    auto last = pool.submit([&] { third.count_down(); });
    first.get();
    second.get();
    last.get();
  }
}

TEST_CASE("elements are run while the caller and the workers of a map are blocked in others") {
  thread_pool pool(GENERATE(std::size_t{2}, 3U));
  const int last = static_cast<int>(pool.size()) + 2;
  for (int round = 0; round < 50; ++round) {
    std::latch enough(last);
    // Each waits until all have begun, more than there are threads.
    parallel::for_each(pool, numbers(static_cast<std::size_t>(last)),
                       [&](int) { blocking([&] { enough.arrive_and_wait(); }); }, {.grain = 1});
  }
  SUCCEED();
}

TEST_CASE("as many tasks may be blocked at once as there are workers and compensating workers") {
  thread_pool pool(2);
  std::latch all(66);
  std::vector<std::future<void>> tasks;
  for (int i = 0; i < 66; ++i)
    tasks.push_back(pool.submit([&] { blocking([&] { all.arrive_and_wait(); }); }));
  for (std::future<void>& task : tasks)
    task.get();
}

TEST_CASE("blocked tasks beyond the compensating workers wait for their turn, and none is lost") {
  thread_pool pool(2);
  std::atomic<int> ran{0};
  test::gate opened;
  std::vector<std::future<void>> tasks;
  for (int i = 0; i < 300; ++i)
    tasks.push_back(pool.submit([&] {
      blocking([&] { opened.wait(); });
      ++ran;
    }));
  opened.open();
  for (std::future<void>& task : tasks)
    task.get();
  CHECK(ran == 300);
}

TEST_CASE("every element runs once, however many of them block") {
  thread_pool pool(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::atomic<int>> runs(2'000);
    parallel::for_each(pool, numbers(2'000), [&](int x) {
      ++runs[static_cast<std::size_t>(x)];
      if (x % 7 == 0)
        blocking([] { std::this_thread::yield(); });
    });
    for (const std::atomic<int>& each : runs)
      REQUIRE(each == 1);
  }
}

TEST_CASE("results and exceptions are those of the plain loop while compensating workers help") {
  thread_pool pool(2);
  for (int round = 0; round < 50; ++round) {
    const auto f = [](int x) {
      blocking([] { std::this_thread::yield(); });
      if (x >= 300)
        throw std::runtime_error(std::to_string(x));
      return 2 * x;
    };
    CHECK(parallel::map(pool, numbers(300), f, {.grain = 1}).back() == 598);
    std::string message;
    try {
      parallel::map(pool, numbers(600), f, {.grain = 1});
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    REQUIRE(message == "300");
  }
}

TEST_CASE("an exception passes through blocking, and the thread no longer counts as blocked") {
  thread_pool pool(1);
  std::vector<std::future<bool>> failing;
  for (int i = 0; i < 20; ++i)
    failing.push_back(pool.submit([] {
      try {
        blocking([] { throw std::runtime_error("no"); });
      } catch (const std::runtime_error&) {
        return true;
      }
      return false;
    }));
  for (std::future<bool>& one : failing)
    CHECK(one.get());
  test::crowd inside;
  std::vector<std::future<void>> tasks;
  for (int i = 0; i < 200; ++i)
    tasks.push_back(pool.submit([&] {
      const auto self = inside.enter();
      std::this_thread::yield();
    }));
  for (std::future<void>& task : tasks)
    task.get();
  CHECK(inside.most() <= 2); // a compensating worker that has not yet ended its task, at most
}

TEST_CASE("nested blocking is compensated once") {
  std::atomic<int> compensating{0};
  thread_pool pool({.threads = 1, .on_start = [&](std::size_t number) {
                      if (number >= 1)
                        ++compensating;
                    }});
  std::latch other(1);
  auto outer = pool.submit([&] {
    return blocking([&] {
      return blocking([&] {
        other.wait();
        return 1;
      });
    });
  });
  pool.submit([&] { other.count_down(); }).get();
  CHECK(outer.get() == 1);
  pool.shutdown();
  CHECK(compensating == 1);
}

TEST_CASE("as many compensating workers run as threads are blocked") {
  thread_pool pool(4);
  test::gate opened;
  std::latch blocked(4);
  std::vector<std::future<void>> tasks;
  for (int i = 0; i < 4; ++i)
    tasks.push_back(pool.submit([&] {
      blocked.count_down();
      blocking([&] { opened.wait(); });
    }));
  blocked.wait();
  std::latch all(4); // the caller and three more
  parallel::for_each(pool, numbers(4), [&](int) { all.arrive_and_wait(); }, {.grain = 1});
  opened.open();
  for (std::future<void>& task : tasks)
    task.get();
}

TEST_CASE("get() of a task that it runs itself is not compensated") {
  std::atomic<int> compensating{0};
  thread_pool pool({.threads = 1, .on_start = [&](std::size_t number) {
                      if (number >= 1)
                        ++compensating;
                    }});
  test::gate behind;
  auto outer = pool.submit([&] {
    behind.wait(); // so there is something to do meanwhile
    return pool.get(pool.submit([] { return 1; }));
  });
  auto other = pool.submit([] {});
  behind.open();
  CHECK(outer.get() == 1);
  other.get();
  pool.shutdown();
  CHECK(compensating == 0);
}

TEST_CASE(
    "a task for which others are blocked is run although further threads stop being blocked") {
  thread_pool pool(2);
  for (int round = 0; round < 200; ++round) {
    std::latch wanted(1);
    auto first = pool.submit([&] { blocking([&] { wanted.wait(); }); });
    auto second = pool.submit([&] { blocking([&] { wanted.wait(); }); });
    parallel::for_each(pool, numbers(4), [](int) { blocking([] { std::this_thread::yield(); }); },
                       {.grain = 1});
    auto task = pool.submit([&] { wanted.count_down(); });
    first.get();
    second.get();
    task.get();
  }
}

TEST_CASE("maps within blocking, and blocking within these, work") {
  thread_pool pool(2);
  const auto inner = [&](int x) {
    return blocking([&] {
      return parallel::map(pool, numbers(20),
                           [x](int y) { return blocking([&] { return x + y; }); }, {.grain = 1})
          .back();
    });
  };
  const auto all = parallel::map(pool, numbers(50), inner, {.grain = 1});
  CHECK(all.front() == 19);
  CHECK(all.back() == 68);
}

TEST_CASE("blocking within an io_pool just calls the function") {
  parallel::io_pool io({.max_threads = 2});
  CHECK(io.submit([] { return blocking([] { return 4; }); }).get() == 4);
}

TEST_CASE("a pool with blocked tasks is shut down when they have ended, with those behind them") {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> ran{0};
    {
      thread_pool pool(2);
      auto behind = std::make_shared<std::latch>(1);
      for (int i = 0; i < 2; ++i)
        pool.submit([&, behind] {
          blocking([&] { behind->wait(); });
          ++ran;
        });
      pool.submit([&, behind] {
        ++ran;
        behind->count_down();
      });
    } // the destructor may come before, between and after all this
    REQUIRE(ran == 3);
  }
}

TEST_CASE("tasks wait with get() for tasks of others on a pool whose workers all wait") {
  thread_pool pool(GENERATE(std::size_t{1}, 2U, 4U));
  for (int round = 0; round < 50; ++round) {
    test::gate all_queued;
    std::vector<std::shared_future<int>> awaited(pool.size());
    std::vector<std::future<int>> waiting;
    for (std::size_t i = 0; i < pool.size(); ++i)
      waiting.push_back(pool.submit([&, i] {
        blocking([&] { all_queued.wait(); });
        return pool.get(awaited[i]);
      }));
    for (std::shared_future<int>& each : awaited)
      each = pool.submit([] { return 1; }).share();
    all_queued.open();
    for (std::future<int>& each : waiting)
      REQUIRE(each.get() == 1);
  }
}

TEST_CASE("a compensating worker is one of the pool's own threads") {
  thread_pool pool(1);
  std::latch refused(1);
  auto blocked = pool.submit([&] { blocking([&] { refused.wait(); }); });
  const bool was_refused = pool.submit([&] {
                                 bool caught = false;
                                 try {
                                   pool.shutdown();
                                 } catch (const std::system_error&) {
                                   caught = true;
                                 }
                                 refused.count_down();
                                 return caught;
                               })
                               .get();
  CHECK(was_refused);
  blocked.get();
}

TEST_CASE(
    "blocked tasks are still compensated while their pool is shut down, whatever their number") {
  std::atomic<int> ran{0};
  std::deque<std::latch> wanted;
  for (int i = 0; i < 150; ++i)
    wanted.emplace_back(1);
  {
    thread_pool pool(1);
    for (std::latch& one : wanted) {
      pool.submit([&] {
        blocking([&] { one.wait(); });
        ++ran;
      });
      pool.submit([&] {
        ++ran;
        one.count_down();
      });
    }
  }
  CHECK(ran == 300);
}

TEST_CASE("parked compensating workers run tasks even while their pool is shut down") {
  std::atomic<int> ran{0};
  for (int round = 0; round < 5; ++round) {
    std::latch all(66);
    std::latch wanted(1);
    thread_pool pool(2);
    std::vector<std::future<void>> tasks;
    for (int i = 0; i < 66; ++i)
      tasks.push_back(pool.submit([&] { blocking([&] { all.arrive_and_wait(); }); }));
    for (std::future<void>& task : tasks)
      task.get(); // every compensating worker has run
    for (int i = 0; i < 2; ++i)
      pool.submit([&] {
        blocking([&] { wanted.wait(); });
        ++ran;
      });
    pool.submit([&] { wanted.count_down(); });
    pool.shutdown();
  }
  CHECK(ran == 10);
}

TEST_CASE("a thread that is blocked once is compensated once, whatever runs within") {
  std::atomic<int> compensating{0};
  thread_pool pool({.threads = 1, .on_start = [&](std::size_t number) {
                      if (number >= 1)
                        ++compensating;
                    }});
  thread_pool other(2);
  std::latch wanted(1);
  auto outer = pool.submit([&] {
    blocking([&] {
      parallel::for_each(other, numbers(2), [&](int) { blocking([&] { wanted.wait(); }); },
                         {.grain = 1});
    });
  });
  pool.submit([&] { wanted.count_down(); }).get();
  outer.get();
  pool.shutdown();
  CHECK(compensating == 1);
}

TEST_CASE(
    "a worker that is blocked in an element of another pool's map is compensated in its own pool") {
  thread_pool home(1);
  thread_pool other(2);
  for (int round = 0; round < 20; ++round) {
    std::promise<std::shared_future<int>> promised;
    const std::shared_future<std::shared_future<int>> awaited = promised.get_future().share();
    auto outer = home.submit([&] {
      // Only the elements that home's worker runs wait for home: there may be none, if the other
      // worker has them all.
      const auto get = [&, worker = std::this_thread::get_id()](int) {
        return std::this_thread::get_id() == worker ? home.get(awaited.get()) : 1;
      };
      return parallel::map(other, numbers(2), get, {.grain = 1}).back();
    });
    promised.set_value(home.submit([] { return 1; }).share());
    REQUIRE(outer.get() == 1);
  }
}

TEST_CASE(
    "a task for which more elements wait than there are compensating workers is run before them") {
  thread_pool pool(2);
  test::gate queued;
  std::shared_future<int> awaited;
  auto first = pool.submit([&] {
    blocking([&] { queued.wait(); });
    return pool.get(awaited);
  });
  awaited = pool.submit([&] {
                  blocking([&] { queued.wait(); });
                  return 1;
                })
                .share();
  auto behind = pool.submit([] { return 1; }).share();
  queued.open();
  const auto all =
      parallel::map(pool, numbers(200), [&](int) { return pool.get(behind); }, {.grain = 1});
  CHECK(all.size() == 200);
  CHECK(first.get() == 1);
}
