// Time limits: they end neither too early nor too late, although the system's clock is rarely read.
#include "catch.hpp"

#include <parallel/detail/control/deadline.hpp>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

using parallel::detail::deadline;
using parallel::detail::steady_ns;

namespace {

/// Calls has_passed() until it returns true. Returns whether every result was right.
bool passes_at_its_end(const deadline& limit) {
  for (;;) {
    const bool must_be_true = steady_ns() >= limit.end();
    const bool passed = limit.has_passed();
    const bool may_be_true = steady_ns() >= limit.end();
    if ((must_be_true && !passed) || (passed && !may_be_true))
      return false;
    if (passed)
      return true;
  }
}

} // namespace

TEST_CASE("a time limit passes at its end, neither before nor later") {
  parallel::detail::quick_clock::calibrate();
  for (const std::int64_t ns : {0, 1, 1'000, 100'000, 300'000, 2'000'000}) {
    const deadline limit(ns);
    CHECK(limit.exists());
    CHECK(passes_at_its_end(limit));
    CHECK(limit.has_passed());
  }
}

TEST_CASE("no time limit never passes, nor does one beyond the range of the clock") {
  CHECK_FALSE(deadline(deadline::none).exists());
  CHECK_FALSE(deadline(deadline::none).has_passed());
  CHECK_FALSE(deadline(deadline::none - 1).has_passed());
}

TEST_CASE("a time limit passes at its end for all threads that check it at once") {
  parallel::detail::quick_clock::calibrate();
  const deadline limit(2'000'000);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { right += passes_at_its_end(limit) ? 1 : 0; });
  for (std::thread& thread : threads)
    thread.join();
  CHECK(right == 4);
}
