// Time limits: neither too early nor too late, though the system's clock is seldom looked at.
#include "catch.hpp"

#include <parallel/detail/control/deadline.hpp>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

using parallel::detail::deadline;
using parallel::detail::steady_ns;

namespace {

/// Asks until the limit has passed; whether every answer was right.
bool asks_and_is_told_right(const deadline& limit) {
  for (;;) {
    const bool must_have = steady_ns() >= limit.end();
    const bool has = limit.has_passed();
    const bool may_have = steady_ns() >= limit.end();
    if ((must_have && !has) || (has && !may_have))
      return false;
    if (has)
      return true;
  }
}

} // namespace

TEST_CASE("a limit passes at its time, neither before nor later") {
  parallel::detail::quick_clock::calibrate();
  for (const std::int64_t ns : {0, 1, 1'000, 100'000, 300'000, 2'000'000}) {
    const deadline limit(ns);
    CHECK(limit.exists());
    CHECK(asks_and_is_told_right(limit));
    CHECK(limit.has_passed());
  }
}

TEST_CASE("a limit that is none never passes, nor does one beyond the clock's end") {
  CHECK_FALSE(deadline(deadline::none).exists());
  CHECK_FALSE(deadline(deadline::none).has_passed());
  CHECK_FALSE(deadline(deadline::none - 1).has_passed());
}

TEST_CASE("a limit tells threads that ask at once the same") {
  parallel::detail::quick_clock::calibrate();
  const deadline limit(2'000'000);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { right += asks_and_is_told_right(limit) ? 1 : 0; });
  for (std::thread& thread : threads)
    thread.join();
  CHECK(right == 4);
}
