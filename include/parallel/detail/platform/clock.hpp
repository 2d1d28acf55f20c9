// Two clocks: a copy of std::chrono::steady_clock, and one that is quicker to read.
//
// Loops measure short pieces of work, for which a reading of the system's clock costs too much. On
// x86-64 Linux the quick clock reads the processor's time stamp counter; elsewhere it is the steady
// clock.
#pragma once

#include <parallel/detail/platform/atomic.hpp>
#include <parallel/detail/platform/config.hpp>

#include <cstdint>

#if PARALLEL_DETAIL_LINUX && defined(__x86_64__)
#define PARALLEL_DETAIL_COUNTER 1
#include <time.h>
#else
#define PARALLEL_DETAIL_COUNTER 0
#include <chrono>
#endif

namespace parallel::detail {

/// The time of std::chrono::steady_clock in nanoseconds. A reading takes about 25 ns.
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

/// A clock for short times, whose reading takes a few nanoseconds where the processor has a
/// counter. It is exact enough to size chunks of work, but not to tell the time. Thread-safe.
class quick_clock {
 public:
  /// How often a spinning thread pauses for each reading of this clock. These pauses take about ten
  /// times as long as the reading.
  static constexpr unsigned pauses_per_reading = 32;

  /// The number of ticks since some fixed moment.
  static std::uint64_t now() noexcept {
#if PARALLEL_DETAIL_COUNTER
    return __builtin_ia32_rdtsc();
#else
    return static_cast<std::uint64_t>(steady_ns());
#endif
  }

  /// The time from one reading to another, in nanoseconds. Negative if `to` was read on a processor
  /// whose counter lags behind.
  static double ns_between(std::uint64_t from, std::uint64_t to) noexcept {
    return static_cast<double>(static_cast<std::int64_t>(to - from)) *
           ns_per_tick_.load(memory_order_relaxed); // relaxed: either value will do
  }

  /// Measures how long a tick is, which takes 60 microseconds; does nothing if this has been done.
  /// Before that a tick is assumed to take 0.4 nanoseconds.
  PARALLEL_DETAIL_COMPACT static void calibrate() noexcept {
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
        return; // the counter stands still: keep the assumption
      const double found = static_cast<double>(to_ns - from_ns) / static_cast<double>(ticks);
      sum += found;
      lowest = attempt == 0 || found < lowest ? found : lowest;
      highest = found > highest ? found : highest;
    }
    // The median of three, in case the thread was preempted during one. relaxed: as in ns_between()
    ns_per_tick_.store(sum - lowest - highest, memory_order_relaxed);
#endif
  }

 private:
  static inline constinit native_atomic<bool> calibrated_{false};
  static inline constinit native_atomic<double> ns_per_tick_{PARALLEL_DETAIL_COUNTER ? 0.4 : 1};
};

} // namespace parallel::detail
