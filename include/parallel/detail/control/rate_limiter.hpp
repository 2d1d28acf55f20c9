// Limits how often calls start: the `rate` of io_map_options.
//
// Time is divided into turns at even intervals, and one call may start at each turn. A thread that
// is about to start a call reserves the next free turn and sleeps until its time has come. All
// threads that share a rate_limiter reserve from the same sequence of turns.
#pragma once

#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/platform/thread.hpp>

#include <cstdint>

namespace parallel::detail {

/// Sleeps until `until`, in nanoseconds on the steady clock. Calls is_over() every ten milliseconds
/// and at the end, and returns false as soon as it returns true.
template <class IsOver>
PARALLEL_DETAIL_COMPACT bool sleep_until(std::int64_t until, const IsOver& is_over) {
  constexpr std::int64_t check_interval_ns = 10'000'000;
  for (std::int64_t left = until - steady_ns(); left > 0; left = until - steady_ns()) {
    if (is_over())
      return false;
    sleep_for(left < check_interval_ns ? left : check_interval_ns);
  }
  return !is_over();
}

class rate_limiter {
 public:
  /// `interval_ns` is the time between two turns, in nanoseconds.
  explicit rate_limiter(std::int64_t interval_ns) noexcept : interval_ns_(interval_ns) {}

  /// Reserves the next free turn for the caller and returns its time, which is `now` or later; both
  /// are in nanoseconds on the same clock. Does not wait. Any number of threads may call it at
  /// once. Turns that have passed unreserved are not made up for.
  [[nodiscard]] std::int64_t reserve_turn(std::int64_t now) const noexcept {
    // relaxed, all: the number alone matters; it publishes no other data
    std::int64_t next = next_.load(memory_order_relaxed);
    for (;;) {
      const std::int64_t turn = next > now ? next : now;
      const std::int64_t after = turn < INT64_MAX - interval_ns_ ? turn + interval_ns_ : INT64_MAX;
      if (next_.compare_exchange_weak(next, after, memory_order_relaxed))
        return turn;
    }
  }

 private:
  const std::int64_t interval_ns_;
  mutable atomic<std::int64_t> next_{INT64_MIN}; // the earliest turn that is not reserved
};

} // namespace parallel::detail
