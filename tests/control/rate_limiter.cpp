// Rates: turns come at even intervals, and calls on an io_pool start no earlier than their turns.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/detail/control/rate_limiter.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/outcome.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using parallel::io_pool;
using parallel::start_rate;
using parallel::detail::rate_limiter;
using test::numbers;
using test::token;

namespace {

/// The times at which calls began, in nanoseconds.
class start_times {
 public:
  void note() {
    const std::int64_t now = parallel::detail::steady_ns();
    const std::lock_guard lock(guard_);
    times_.push_back(now);
  }

  /// Whether no call began before its turn: call n, in the order of time, not before n intervals
  /// after `from`.
  [[nodiscard]] bool are_spaced(std::int64_t from, std::int64_t interval) {
    std::ranges::sort(times_);
    for (std::size_t i = 0; i < times_.size(); ++i)
      if (times_[i] - from < static_cast<std::int64_t>(i) * interval)
        return false;
    return true;
  }

  [[nodiscard]] std::size_t count() const { return times_.size(); }

 private:
  std::mutex guard_;
  std::vector<std::int64_t> times_;
};

/// A stop token that counts how often it is checked.
struct counting_token {
  std::atomic<bool>* requested;
  std::atomic<int>* checks;
  [[nodiscard]] bool stop_requested() const {
    ++*checks;
    return requested->load();
  }
};

} // namespace

TEST_CASE("turns that are reserved at once come at even intervals") {
  const rate_limiter limiter(10);
  CHECK(limiter.reserve_turn(100) == 100);
  CHECK(limiter.reserve_turn(100) == 110);
  CHECK(limiter.reserve_turn(100) == 120);
  CHECK(limiter.reserve_turn(115) == 130);
}

TEST_CASE("turns that pass unreserved are not made up for") {
  const rate_limiter limiter(10);
  CHECK(limiter.reserve_turn(100) == 100);
  CHECK(limiter.reserve_turn(1'000) == 1'000);
  CHECK(limiter.reserve_turn(1'000) == 1'010);
}

TEST_CASE("an interval may be longer than the range of the clock") {
  constexpr std::int64_t end = std::numeric_limits<std::int64_t>::max();
  const rate_limiter limiter(end);
  CHECK(limiter.reserve_turn(100) == 100);
  CHECK(limiter.reserve_turn(100) == end);
  CHECK(limiter.reserve_turn(100) == end);
}

TEST_CASE("a map with a rate starts its calls no faster than the rate") {
  io_pool io({.max_threads = 4});
  start_times starts;
  const std::int64_t begun = parallel::detail::steady_ns();
  const auto f = [&](int x) {
    starts.note();
    return x;
  };
  CHECK(parallel::map(io, numbers(30), f, {.rate = 1'000}) == numbers(30));
  CHECK(starts.count() == 30);
  CHECK(starts.are_spaced(begun, 1'000'000));
}

TEST_CASE("calls that share a rate are limited together") {
  io_pool io({.max_threads = 4});
  start_times starts;
  const std::int64_t begun = parallel::detail::steady_ns();
  const start_rate rate = 1'000;
  for (int call = 0; call < 3; ++call)
    parallel::for_each(io, numbers(5), [&](int) { starts.note(); }, {.rate = rate});
  CHECK(starts.count() == 15);
  CHECK(starts.are_spaced(begun, 1'000'000));
}

TEST_CASE("calls that are retried wait for a turn, too") {
  io_pool io({.max_threads = 4});
  start_times starts;
  const std::int64_t begun = parallel::detail::steady_ns();
  const auto fails = [&](int) {
    starts.note();
    throw std::runtime_error("no");
  };
  CHECK_THROWS_AS(parallel::for_each(io, numbers(1), fails, {.rate = 1'000, .retries = 9}),
                  std::runtime_error);
  CHECK(starts.count() == 10);
  CHECK(starts.are_spaced(begun, 1'000'000));
}

TEST_CASE("a thread that waits for a turn notices a stop") {
  io_pool io({.max_threads = 2});
  std::atomic<bool> requested{false};
  const auto f = [&](int x) {
    requested = true;
    return x;
  };
  const auto tried =
      parallel::try_map(io, numbers(5), f, {.rate = 1e-6, .stop = token{&requested}}); // in 12 days
  CHECK(std::ranges::count_if(tried, [](const auto& one) { return one.has_value(); }) == 1);
  CHECK(std::ranges::count_if(tried, [](const auto& one) { return !one.has_run(); }) == 4);
}

TEST_CASE("a thread that waits for a turn notices the deadline") {
  io_pool io({.max_threads = 2});
  CHECK_THROWS_AS(
      parallel::map(io, numbers(5), [](int x) { return x; }, {.rate = 1e-6, .deadline = 20ms}),
      parallel::deadline_exceeded);
}

TEST_CASE("a rate must be above zero") {
  CHECK_THROWS_WITH(start_rate(0), "parallel: the rate is 0 starts a second, must be above 0");
  CHECK_THROWS_WITH(start_rate(-2.5),
                    "parallel: the rate is -2.5 starts a second, must be above 0");
  CHECK_THROWS_WITH(start_rate(-1e-9),
                    "parallel: the rate is -1e-09 starts a second, must be above 0");
  CHECK_THROWS_AS(start_rate(std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
}

TEST_CASE("a call that has been stopped leaves its turns to the next call") {
  io_pool io({.max_threads = 2});
  const start_rate rate = 1'000;
  std::atomic<bool> requested{true};
  CHECK_THROWS_AS(parallel::for_each(io, numbers(1'000'000), [](int) {},
                                     {.rate = rate, .stop = token{&requested}}),
                  parallel::stopped);
  // If the stopped call had reserved its turns, this one would wait for a quarter of an hour.
  CHECK(parallel::map(io, numbers(1), [](int x) { return x; }, {.rate = rate}).size() == 1);
}

TEST_CASE("a call that waits to be retried does not delay others") {
  io_pool io({.max_threads = 4});
  const start_rate rate = 1'000;
  std::atomic<bool> requested{false};
  std::atomic<int> ran{0};
  // Element 0 waits for an hour before its retry. The others end the call; they could not do so if
  // they waited for element 0.
  CHECK_THROWS_AS(
      parallel::for_each(
          io, numbers(20),
          [&](int x) {
            if (x == 0)
              throw std::runtime_error("no");
            if (++ran == 19)
              requested = true;
          },
          {.in_flight = 2, .rate = rate, .retries = 1, .backoff = 1h, .stop = token{&requested}}),
      std::runtime_error);
  CHECK(ran == 19);
}

TEST_CASE("a thread that waits for a turn notices that a lower element has failed") {
  io_pool io({.max_threads = 3});
  std::atomic<int> calls{0};
  std::atomic<int> checks{0};
  std::atomic<bool> requested{false};
  CHECK_THROWS_AS(parallel::for_each(io, numbers(100),
                                     [&](int x) {
                                       ++calls;
                                       // If element 0 does not get the first turn, it waits 12 days
                                       // for its own, so a stop ends the call. If it does, it
                                       // throws only once others wait: only then are there 20
                                       // checks.
                                       requested = x != 0;
                                       while (x == 0 && checks < 20)
                                         std::this_thread::yield();
                                       throw std::runtime_error("no");
                                     },
                                     {.rate = 1e-6, .stop = counting_token{&requested, &checks}}),
                  std::runtime_error);
  CHECK(calls == 1);
}
