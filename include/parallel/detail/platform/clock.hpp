// A clock that is quicker to read than the standard ones, for sizing work.
//
// Part of the platform room: what differs between systems stands in this folder, each file with
// the standard library's answer for systems other than Linux (here: on x86-64), or for a build with
// PARALLEL_PORTABLE defined. Entered from all over detail/.
#pragma once

#include <parallel/detail/platform/atomic.hpp>
#include <parallel/detail/platform/config.hpp>

#include <cstdint>

#if PARALLEL_DETAIL_LINUX && defined(__x86_64__)
#define PARALLEL_DETAIL_COUNTER 1
#include <time.h> // not <chrono>, which takes long to compile
#else
#define PARALLEL_DETAIL_COUNTER 0
#include <chrono>
#endif

namespace parallel::detail {

/// std::chrono::steady_clock's time in nanoseconds; takes about 25 of them.
inline std::int64_t steady_ns() noexcept {
#if PARALLEL_DETAIL_COUNTER
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
#else
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
#endif
}

/// A clock for short times: the processor's own counter where it can be read in a few nanoseconds,
/// else steady_clock. Good enough to size work, not to tell time. Thread-safe.
class quick_clock {
 public:
  /// For who pauses in between: so many pauses take some ten times as long as a look does.
  static constexpr unsigned pauses_a_look = 32;

  /// Ticks since some moment.
  static std::uint64_t now() noexcept {
#if PARALLEL_DETAIL_COUNTER
    return __builtin_ia32_rdtsc();
#else
    return static_cast<std::uint64_t>(steady_ns());
#endif
  }

  /// From one moment to another; below zero if `to` was read on a processor that lags behind.
  static double ns_between(std::uint64_t from, std::uint64_t to) noexcept {
    return static_cast<double>(static_cast<std::int64_t>(to - from)) *
           ns_per_tick_.load(memory_order_relaxed); // relaxed: any calibration will do
  }

  /// Finds out how long a tick is, in 60 microseconds; does nothing when that is known. Until then
  /// a tick is taken for 0.4 nanoseconds.
  [[gnu::cold]] static void calibrate() noexcept {
#if PARALLEL_DETAIL_COUNTER
    if (calibrated_.exchange(true, memory_order_relaxed)) // relaxed: once is enough
      return;
    double sum = 0;
    double lowest = 0;
    double highest = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
      const std::int64_t from_ns = steady_ns();
      const std::uint64_t from = now();
      std::int64_t to_ns = from_ns;
      while (to_ns < from_ns + 20'000)
        to_ns = steady_ns();
      const std::uint64_t ticks = now() - from;
      if (ticks == 0)
        return; // no such counter: what is assumed will have to do
      const double found = static_cast<double>(to_ns - from_ns) / static_cast<double>(ticks);
      sum += found;
      lowest = attempt == 0 || found < lowest ? found : lowest;
      highest = found > highest ? found : highest;
    }
    // The middle one, in case the thread lost its processor in between. relaxed: as above
    ns_per_tick_.store(sum - lowest - highest, memory_order_relaxed);
#endif
  }

 private:
  static inline constinit native_atomic<bool> calibrated_{false};
  static inline constinit native_atomic<double> ns_per_tick_{PARALLEL_DETAIL_COUNTER ? 0.4 : 1};
};

} // namespace parallel::detail
