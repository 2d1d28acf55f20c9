// How long a thread has been doing something; any other thread may ask at any moment.
//
// The total and the state are in one word. So a thread that asks while the watch is being stopped
// neither misses the time since its start nor counts it twice.
#pragma once

#include <parallel/detail/platform/atomic.hpp>
#include <parallel/detail/platform/clock.hpp>

#include <cstdint>

namespace parallel::detail {

/// `Clock` is quick_clock, except in tests.
template <class Clock>
class basic_stopwatch {
 public:
  /// One thread at a time may start and stop the watch, in turn.
  [[gnu::always_inline]] void start() noexcept { set(ticks() - Clock::now(), running); }
  [[gnu::always_inline]] void stop() noexcept { set(ticks() + Clock::now(), stopped); }

  /// Any thread may call it.
  [[nodiscard]] bool was_started() const noexcept { return word() != 0; }

  /// How long the watch has run so far, in nanoseconds. Any thread may call it.
  [[nodiscard]] std::uint64_t ns() const noexcept {
    const std::uint64_t seen = word();
    const std::uint64_t total = seen % 2 == running ? seen / 2 + Clock::now() : seen / 2;
    // Below zero, in 63 bits, if this processor's clock lags behind that of the processor on which
    // the watch was started.
    const double found = Clock::ns_between(0, total * 2) / 2;
    return found > 0 ? static_cast<std::uint64_t>(found) : 0;
  }

 private:
  static constexpr std::uint64_t stopped = 0;
  static constexpr std::uint64_t running = 1;

  [[nodiscard]] std::uint64_t word() const noexcept {
    return word_.load(
        memory_order_relaxed); // relaxed, here and below: nothing is read by way of it
  }
  [[nodiscard]] std::uint64_t ticks() const noexcept { return word() / 2; }
  void set(std::uint64_t ticks, std::uint64_t state) noexcept {
    word_.store(ticks * 2 + state, memory_order_relaxed);
  }

  // The lowest bit is the state. The other 63 bits are the ticks for which the watch has run; while
  // it runs, they are these ticks minus the clock's value at the start.
  native_atomic<std::uint64_t> word_{0};
};

using stopwatch = basic_stopwatch<quick_clock>;

} // namespace parallel::detail
