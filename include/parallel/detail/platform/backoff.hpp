// Spins for a bounded time before a thread sleeps.
//
// A thread that runs out of work checks for new work for about as long as a wake costs, and sleeps
// only then. So it never pays more than twice the cost of the better choice, whenever work arrives.
#pragma once

#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/thread.hpp>

#include <cstdint>

namespace parallel::detail {

/// A spin that ends after `limit_ns`, about the cost of a wake on slow machines:
/// for (backoff spin; nothing_to_do() && spin.pause_once();) {}
class backoff {
 public:
  /// Pauses the processor for a moment. Returns false once the thread has spun long enough.
  bool pause_once() noexcept {
    pause();
    if (++pauses_ % quick_clock::pauses_per_reading != 0)
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
