// The stopwatch: how long it has run, while it runs and after it was stopped.
#include "catch.hpp"

#include <parallel/detail/observe/stopwatch.hpp>

#include <cstdint>

namespace {

/// A clock that the tests set, in nanoseconds.
struct manual_clock {
  static inline std::uint64_t shown = 0;
  static std::uint64_t now() { return shown; }
  static double ns_between(std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(static_cast<std::int64_t>(to - from));
  }
};
using stopwatch = parallel::detail::basic_stopwatch<manual_clock>;

} // namespace

TEST_CASE("a stopwatch adds up the times for which it ran") {
  manual_clock::shown = 1'000;
  stopwatch watch;
  CHECK_FALSE(watch.was_started());
  CHECK(watch.ns() == 0);
  watch.start();
  CHECK(watch.was_started());
  manual_clock::shown = 1'500;
  CHECK(watch.ns() == 500);
  watch.stop();
  manual_clock::shown = 9'000;
  CHECK(watch.ns() == 500);
  watch.start();
  manual_clock::shown = 9'001;
  CHECK(watch.ns() == 501);
  manual_clock::shown = 10'000;
  watch.stop();
  CHECK(watch.ns() == 1'500);
}

TEST_CASE("a stopwatch is right when the clock's number wraps") {
  manual_clock::shown = UINT64_MAX - 9;
  stopwatch watch;
  watch.start();
  manual_clock::shown = 5;
  CHECK(watch.ns() == 15);
  watch.stop();
  CHECK(watch.ns() == 15);
}

TEST_CASE("a stopwatch shows zero to a thread whose clock lags behind the start") {
  manual_clock::shown = 1'000;
  stopwatch watch;
  watch.start();
  manual_clock::shown = 990;
  CHECK(watch.ns() == 0);
}
