// Turns that come at even intervals: what io_map_options ask for with `rate`.
//
// Whoever wants to start something takes a turn and waits until it has come. Entered from
// control/controlled_body.hpp, before an element is started, and from io/retry.hpp, before one is
// started again.
#pragma once

#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/platform/thread.hpp>

#include <cstdint>

namespace parallel::detail {

/// Sleeps until `until`, in nanoseconds on the steady clock, or until is_over() says so, which is
/// asked once in ten milliseconds; false in that case.
template <class IsOver>
[[gnu::cold]] bool sleep_until(std::int64_t until, const IsOver& is_over) {
  constexpr std::int64_t look_every_ns = 10'000'000;
  for (std::int64_t left = until - steady_ns(); left > 0; left = until - steady_ns()) {
    if (is_over())
      return false;
    sleep_for(left < look_every_ns ? left : look_every_ns);
  }
  return !is_over();
}

class rate_limiter {
 public:
  /// Between two turns, in nanoseconds.
  explicit rate_limiter(std::int64_t interval_ns) noexcept : interval_ns_(interval_ns) {}

  /// The next turn's time, at `now` or later; both in nanoseconds on one clock. Any number of
  /// threads may take turns at once.
  [[nodiscard]] std::int64_t take_turn(std::int64_t now) const noexcept {
    std::int64_t next = next_.load(memory_order_relaxed); // relaxed, all: a number, no more
    for (;;) {
      const std::int64_t turn = next > now ? next : now;
      const std::int64_t after = turn < INT64_MAX - interval_ns_ ? turn + interval_ns_ : INT64_MAX;
      if (next_.compare_exchange_weak(next, after, memory_order_relaxed))
        return turn;
    }
  }

 private:
  const std::int64_t interval_ns_;
  mutable atomic<std::int64_t> next_{INT64_MIN};
};

} // namespace parallel::detail
