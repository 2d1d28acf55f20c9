// What the options of a call promise on every executor: stop, deadline and progress.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/imap.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/serial.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <version>

#ifdef __cpp_lib_jthread
#include <stop_token>
#endif

using namespace std::chrono_literals;
using test::numbers;
using test::same;

namespace {

/// A minimal stop token that can be copied. (libc++ has std::stop_token behind a flag only.)
struct shared_token {
  std::shared_ptr<std::atomic<bool>> requested = std::make_shared<std::atomic<bool>>(false);
  [[nodiscard]] bool stop_requested() const { return requested->load(); }
};

/// A stop token that cannot be copied: its address is given.
struct flag {
  flag() = default;
  flag(const flag&) = delete;
  flag& operator=(const flag&) = delete;
  std::atomic<bool> requested{false};
  [[nodiscard]] bool stop_requested() const { return requested.load(); }
};

template <class E>
struct executor_of {
  E executor;
};
template <>
struct executor_of<parallel::thread_pool> {
  parallel::thread_pool executor{3};
};

/// Spends real time until `until`.
void work_until(std::chrono::steady_clock::time_point until) {
  while (std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
}

template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

} // namespace

#define FOR_EVERY_EXECUTOR(name)                                                                   \
  TEMPLATE_TEST_CASE(name, "", parallel::thread_pool, parallel::io_pool, parallel::serial_executor)

FOR_EVERY_EXECUTOR("after a stop no element is started, and the call throws stopped") {
  executor_of<TestType> e;
  const shared_token stop;
  std::atomic<int> started{0};
  std::atomic<int> started_after{0};
  CHECK_THROWS_AS(parallel::for_each(e.executor, numbers(100'000),
                                     [&](int x) {
                                       started_after += *stop.requested ? 1 : 0;
                                       ++started;
                                       if (x == 50)
                                         *stop.requested = true;
                                       while (x > 1'000 && !*stop.requested)
                                         std::this_thread::yield();
                                     },
                                     {.stop = stop}),
                  parallel::stopped);
  CHECK(started < 100'000);
  // Only elements that passed the check before the stop came: one per thread.
  CHECK(started_after <= 65);
}

FOR_EVERY_EXECUTOR("a call that is stopped before it begins runs no element") {
  executor_of<TestType> e;
  flag stop;
  stop.requested = true;
  std::atomic<int> started{0};
  CHECK_THROWS_AS(
      parallel::map(e.executor, numbers(1'000), [&](int) { return ++started; }, {.stop = &stop}),
      parallel::stopped);
  CHECK(started == 0);
}

FOR_EVERY_EXECUTOR("a stop that comes when every element has been started changes nothing") {
  executor_of<TestType> e;
  const shared_token stop;
  const auto result = parallel::map(e.executor, numbers(1),
                                    [&](int x) {
                                      *stop.requested = true;
                                      return x + 1;
                                    },
                                    {.stop = stop});
  CHECK(result == std::vector<int>{1});
  CHECK(parallel::map(e.executor, numbers(0), [](int x) { return x; }, {.stop = stop}).empty());
}

FOR_EVERY_EXECUTOR("an element's exception is not lost to a stop") {
  executor_of<TestType> e;
  const shared_token stop;
  CHECK_THROWS_AS(parallel::for_each(e.executor, numbers(10'000),
                                     [&](int x) {
                                       if (x != 0)
                                         return;
                                       *stop.requested = true;
                                       throw std::out_of_range("x");
                                     },
                                     {.stop = stop}),
                  std::out_of_range);
}

FOR_EVERY_EXECUTOR("a deadline ends a call") {
  executor_of<TestType> e;
  std::atomic<int> started{0};
  const auto begin = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(parallel::for_each(e.executor, numbers(1'000'000),
                                     [&](int) {
                                       ++started;
                                       work_until(std::chrono::steady_clock::now() + 100us);
                                     },
                                     {.deadline = 3ms}),
                  parallel::deadline_exceeded);
  CHECK(std::chrono::steady_clock::now() - begin >= 3ms);
  CHECK(started < 1'000'000);
}

FOR_EVERY_EXECUTOR("try_map keeps the results that were finished before the deadline") {
  executor_of<TestType> e;
  const auto deadline = std::chrono::steady_clock::now() + 5ms;
  const auto tried = parallel::try_map(e.executor, numbers(10'000),
                                       [&](int x) {
                                         if (x > 100)
                                           work_until(deadline);
                                         return x;
                                       },
                                       {.deadline = deadline});
  REQUIRE(tried.size() == 10'000);
  for (int x = 0; x < 10'000; ++x) {
    const auto& each = tried[static_cast<std::size_t>(x)];
    if (each.has_run())
      REQUIRE(*each == x);
    else
      REQUIRE_THROWS_AS(static_cast<void>(each.value()), parallel::deadline_exceeded);
  }
  CHECK(std::count_if(tried.begin(), tried.end(),
                      [](const auto& each) { return !each.has_run(); }) > 9'000);
}

FOR_EVERY_EXECUTOR("with a deadline in the past, of any clock, no element is started") {
  executor_of<TestType> e;
  int started = 0;
  const auto count = [&](int) { ++started; };
  CHECK_THROWS_AS(parallel::for_each(e.executor, numbers(10), [&](int x) { count(x); },
                                     {.deadline = std::chrono::steady_clock::now() - 1s}),
                  parallel::deadline_exceeded);
  CHECK_THROWS_AS(parallel::for_each(e.executor, numbers(10), [&](int x) { count(x); },
                                     {.deadline = std::chrono::system_clock::now() - 1h}),
                  parallel::deadline_exceeded);
  CHECK_THROWS_AS(
      parallel::for_each(e.executor, numbers(10), [&](int x) { count(x); }, {.deadline = 0s}),
      parallel::deadline_exceeded);
  CHECK(started == 0);
}

FOR_EVERY_EXECUTOR("a deadline far away lets the call finish") {
  executor_of<TestType> e;
  const auto xs = numbers(100);
  CHECK(parallel::map(e.executor, xs, same, {.deadline = 24h}) == xs);
  CHECK(parallel::map(e.executor, xs, same, {.deadline = std::chrono::hours::max()}) == xs);
  CHECK(parallel::map(e.executor, xs, same, {.deadline = std::chrono::duration<double>(1e300)}) ==
        xs);
  CHECK(parallel::map(e.executor, xs, same,
                      {.deadline = std::chrono::steady_clock::time_point::max()}) == xs);
  CHECK(parallel::map(e.executor, xs, same, {.deadline = std::chrono::system_clock::now() + 24h}) ==
        xs);
}

TEST_CASE("the last time point of a clock is no limit, and the first one has passed") {
  using hours_of_system = std::chrono::time_point<std::chrono::system_clock, std::chrono::hours>;
  using seconds_of_system =
      std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;
  for (const parallel::time_limit far :
       {parallel::time_limit(hours_of_system::max()),
        parallel::time_limit(seconds_of_system::max()),
        parallel::time_limit(std::chrono::steady_clock::time_point::max())})
    CHECK(far.ns_left() > 100LL * 365 * 24 * 3'600 * 1'000'000'000);
  for (const parallel::time_limit past :
       {parallel::time_limit(hours_of_system::min()),
        parallel::time_limit(seconds_of_system::min()),
        parallel::time_limit(std::chrono::steady_clock::time_point::min())})
    CHECK(past.ns_left() == 0);
}

TEST_CASE("stop_requested() may return anything that converts to bool") {
  struct source {
    int* signal;
    [[nodiscard]] int stop_requested() const { return *signal; }
  };
  int signal = 0;
  parallel::for_each(numbers(3), [](int) {}, {.stop = source{&signal}});
  signal = 2;
  CHECK_THROWS_AS(parallel::for_each(numbers(3), [](int) {}, {.stop = source{&signal}}),
                  parallel::stopped);
}

#ifdef __cpp_lib_jthread
TEST_CASE("std::stop_token and std::stop_source stop a call") {
  std::stop_source source;
  parallel::for_each(numbers(3), [](int) {}, {.stop = source.get_token()});
  parallel::for_each(numbers(3), [](int) {}, {.stop = source});
  source.request_stop();
  CHECK_THROWS_AS(parallel::for_each(numbers(3), [](int) {}, {.stop = source.get_token()}),
                  parallel::stopped);
  CHECK_THROWS_AS(parallel::for_each(numbers(3), [](int) {}, {.stop = source}), parallel::stopped);
}
#endif

TEST_CASE("an exception of a progress hook ends the call, try_map included") {
  const auto wait = [](int) { work_until(std::chrono::steady_clock::now() + 1ms); };
  const auto refuse = [](const parallel::progress& now) {
    if (!now.last)
      throw std::string("midway");
  };
  CHECK_THROWS_AS(parallel::for_each(numbers(100'000), wait, {.progress = refuse}), std::string);
  CHECK_THROWS_AS(parallel::try_map(numbers(100'000), wait, {.progress = refuse}), std::string);
}

TEST_CASE("a duration counts from the beginning of each call") {
  const parallel::map_options options{.deadline = 2s};
  work_until(std::chrono::steady_clock::now() + 1ms);
  CHECK(options.deadline.ns_left() == 2'000'000'000);
}

TEST_CASE("a negative deadline is refused, and the message names it") {
  CHECK(message_of([] { parallel::time_limit(-3s); }).find("-3 s") != std::string::npos);
  CHECK_THROWS_AS(parallel::time_limit(-1ns), std::invalid_argument);
  CHECK_THROWS_AS(
      parallel::time_limit(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())),
      std::invalid_argument);
}

FOR_EVERY_EXECUTOR("progress is reported in order, by one thread at a time, and once at the end") {
  executor_of<TestType> e;
  test::crowd reporters;
  std::vector<parallel::progress> told;
  std::vector<int> results = parallel::map(e.executor, numbers(5'000),
                                           [](int x) {
                                             work_until(std::chrono::steady_clock::now() + 50us);
                                             return x;
                                           },
                                           {.progress = [&](const parallel::progress& now) {
                                             const auto self = reporters.enter();
                                             told.push_back(now);
                                           }});
  CHECK(results == numbers(5'000));
  CHECK(reporters.most() == 1);
  REQUIRE_FALSE(told.empty());
  CHECK(std::count_if(told.begin(), told.end(), [](const auto& now) { return now.last; }) == 1);
  CHECK(told.back().last);
  CHECK(told.back().done == 5'000);
  CHECK(std::is_sorted(told.begin(), told.end(),
                       [](const auto& a, const auto& b) { return a.done < b.done; }));
  for (const auto& now : told) {
    CHECK(now.total == 5'000);
    CHECK(now.seconds >= 0);
  }
  CHECK(told.size() <= 2 + static_cast<std::size_t>(told.back().seconds * 10));
}

FOR_EVERY_EXECUTOR("progress is reported at the end of a call that fails, too") {
  executor_of<TestType> e;
  std::vector<parallel::progress> told;
  CHECK_THROWS_AS(parallel::for_each(e.executor, numbers(100),
                                     [](int x) {
                                       if (x == 40)
                                         throw x;
                                     },
                                     {.progress = [&](const auto& now) { told.push_back(now); }}),
                  int);
  REQUIRE_FALSE(told.empty());
  CHECK(told.back().last);
  CHECK(std::count_if(told.begin(), told.end(), [](const auto& now) { return now.last; }) == 1);
  CHECK(told.back().total == 100);
  CHECK(told.back().done < 100);
}

FOR_EVERY_EXECUTOR("progress of an empty call is reported once") {
  executor_of<TestType> e;
  int told = 0;
  parallel::for_each(e.executor, numbers(0), [](int) {}, {.progress = [&](const auto& now) {
                       ++told;
                       CHECK(now.last);
                       CHECK(now.total == 0);
                     }});
  CHECK(told == 1);
}

TEST_CASE("an exception of a progress hook reaches the caller") {
  CHECK_THROWS_AS(
      parallel::for_each(numbers(10), [](int) {},
                         {.progress = [](const auto&) { throw std::string("enough"); }}),
      std::string);
}

TEST_CASE("an element's exception is rethrown, not that of the progress hook at the end") {
  const auto hook = [](const parallel::progress& now) {
    if (now.last)
      throw std::string("the hook");
  };
  const auto fail = [](int) -> int { throw 5; };
  CHECK_THROWS_AS(parallel::map(test::numbers(10), fail, {.progress = hook}), int);
  // Neither is it thrown by a view that is destroyed early.
  for (const int x : parallel::imap(test::numbers(10), [](int x) { return x; }, {.progress = hook}))
    if (x == 3)
      break;
}

TEST_CASE("a progress hook that is an lvalue is referred to, and an rvalue is kept") {
  struct counter {
    int calls = 0;
    void operator()(const parallel::progress&) { ++calls; }
  };
  counter mine;
  const parallel::map_options referring{.progress = mine};
  const parallel::map_options keeping{.progress = counter{}};
  for (int call = 0; call < 3; ++call) {
    parallel::for_each(
        parallel::serial, numbers(3), [](int) {}, referring);
    parallel::for_each(
        parallel::serial, numbers(3), [](int) {}, keeping);
  }
  CHECK(mine.calls == 3);
}

TEST_CASE("rate and remaining time follow from the elements done") {
  const parallel::progress now{.done = 50, .total = 200, .seconds = 2};
  CHECK(now.rate() == 25);
  CHECK(now.seconds_left() == 6);
  const parallel::progress at_first{.total = 200};
  CHECK(at_first.rate() == 0);
  CHECK(at_first.seconds_left() < 0);
}

FOR_EVERY_EXECUTOR("stop, deadline and progress work together, and with nested calls") {
  executor_of<TestType> e;
  const shared_token stop;
  std::size_t done = 0;
  const auto sums = parallel::map(
      e.executor, numbers(20),
      [&](int x) {
        const auto inner =
            parallel::map(e.executor, numbers(50), [x](int y) { return x * y; }, {.stop = stop});
        return inner.back();
      },
      {.stop = stop, .deadline = 1h, .progress = [&](const auto& now) { done = now.done; }});
  CHECK(sums.back() == 19 * 49);
  CHECK(done == 20);
}

TEST_CASE("options can be copied, including the callables that they keep") {
  const shared_token stop;
  std::vector<int> large(100); // so that the hook does not fit in place
  int told = 0;
  parallel::map_options first{.stop = stop, .progress = [large, &told](const auto&) {
                                told += static_cast<int>(large.size());
                              }};
  parallel::map_options second = first;
  first = {};
  second = parallel::map_options(second);
  parallel::map_options third;
  third = second;
  parallel::for_each(
      parallel::serial, numbers(3), [](int) {}, third);
  CHECK(told == 100);
  *stop.requested = true;
  CHECK_THROWS_AS(parallel::for_each(
                      parallel::serial, numbers(3), [](int) {}, third),
                  parallel::stopped);
  parallel::for_each(
      parallel::serial, numbers(3), [](int) {}, first);
}

TEST_CASE("the library's own exceptions have one base") {
  CHECK_THROWS_AS(throw parallel::stopped(), parallel::error);
  CHECK_THROWS_AS(throw parallel::deadline_exceeded(), parallel::error);
  CHECK(std::string(parallel::stopped().what()).find("stop") != std::string::npos);
  CHECK(std::string(parallel::deadline_exceeded().what()).find("deadline") != std::string::npos);
}

TEST_CASE("a call that was stopped does not change the cost model of its call site") {
  parallel::thread_pool pool(2);
  shared_token stop;
  const auto slow = [&](int x) {
    work_until(std::chrono::steady_clock::now() + 20us);
    return x;
  };
  for (int call = 0; call < 3; ++call) {
    *stop.requested = false;
    parallel::map(pool, numbers(200), slow, {.stop = stop});
    *stop.requested = true;
    CHECK_THROWS_AS(parallel::map(pool, numbers(100'000), slow, {.stop = stop}), parallel::stopped);
  }
}
