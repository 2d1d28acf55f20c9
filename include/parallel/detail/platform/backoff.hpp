// Spinning for a bounded time before a sleep.
//
// A thread that expects work soon looks for it a while before it sleeps, for about as long as a
// wake costs: so it never pays more than twice what the better of the two choices would have cost.
#pragma once

#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/thread.hpp>

#include <cstdint>

namespace parallel::detail {

/// A spin that ends after `limit_ns`, about the price of a wake on slow machines:
/// for (backoff spin; nothing_to_do() && spin.pause_once();) {}
class backoff {
 public:
  /// Pauses the processor for a moment; false when the thread has spun long enough.
  bool pause_once() noexcept {
    pause();
    if (++pauses_ % quick_clock::pauses_a_look != 0)
      return true; // without reading the clock
    const double ns = quick_clock::ns_between(start_, quick_clock::now());
    return ns >= 0 && ns < limit_ns;
  }

 private:
  static constexpr double limit_ns = 100'000;

  unsigned pauses_ = 0;
  std::uint64_t start_ = quick_clock::now();
};

} // namespace parallel::detail
