// How long a thread has been at something, told to others while it is.
#include "catch.hpp"

#include <parallel/detail/observe/stopwatch.hpp>

#include <cstdint>

namespace {

/// A clock that shows what it is told to, in nanoseconds.
struct hand_clock {
  static inline std::uint64_t shown = 0;
  static std::uint64_t now() { return shown; }
  static double ns_between(std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(static_cast<std::int64_t>(to - from));
  }
};
using stopwatch = parallel::detail::basic_stopwatch<hand_clock>;

} // namespace

TEST_CASE("a stopwatch adds up the times for which it ran") {
  hand_clock::shown = 1'000;
  stopwatch watch;
  CHECK_FALSE(watch.was_started());
  CHECK(watch.ns() == 0);
  watch.start();
  CHECK(watch.was_started());
  hand_clock::shown = 1'500;
  CHECK(watch.ns() == 500);
  watch.stop();
  hand_clock::shown = 9'000;
  CHECK(watch.ns() == 500);
  watch.start();
  hand_clock::shown = 9'001;
  CHECK(watch.ns() == 501);
  hand_clock::shown = 10'000;
  watch.stop();
  CHECK(watch.ns() == 1'500);
}

TEST_CASE("a stopwatch is right when the clock's number wraps") {
  hand_clock::shown = UINT64_MAX - 9;
  stopwatch watch;
  watch.start();
  hand_clock::shown = 5;
  CHECK(watch.ns() == 15);
  watch.stop();
  CHECK(watch.ns() == 15);
}

TEST_CASE("a stopwatch shows nothing, rather than much, to who sees an earlier time") {
  hand_clock::shown = 1'000;
  stopwatch watch;
  watch.start();
  hand_clock::shown = 990;
  CHECK(watch.ns() == 0);
}
