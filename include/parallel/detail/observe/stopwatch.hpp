// How long a thread has been at something, told to any other thread at any moment.
//
// Total and state stand in one word, so that a look while the watch is being stopped neither misses
// the time since its start nor counts it twice. Entered from scheduler/workers.hpp, for stats.hpp.
#pragma once

#include <parallel/detail/platform/atomic.hpp>
#include <parallel/detail/platform/clock.hpp>

#include <cstdint>

namespace parallel::detail {

/// `Clock` is another one in tests only.
template <class Clock>
class basic_stopwatch {
 public:
  /// One thread at a time may start and stop it, in turn.
  [[gnu::always_inline]] void start() noexcept { set(ticks() - Clock::now(), running); }
  [[gnu::always_inline]] void stop() noexcept { set(ticks() + Clock::now(), stopped); }

  /// For any thread.
  [[nodiscard]] bool was_started() const noexcept { return word() != 0; }

  /// Nanoseconds for which it has run so far. For any thread.
  [[nodiscard]] std::uint64_t ns() const noexcept {
    const std::uint64_t seen = word();
    const std::uint64_t total = seen % 2 == running ? seen / 2 + Clock::now() : seen / 2;
    // Below zero, in 63 bits, where this processor's clock lags behind the one of the start.
    const double found = Clock::ns_between(0, total * 2) / 2;
    return found > 0 ? static_cast<std::uint64_t>(found) : 0;
  }

 private:
  static constexpr std::uint64_t stopped = 0;
  static constexpr std::uint64_t running = 1;

  [[nodiscard]] std::uint64_t word() const noexcept {
    return word_.load(memory_order_relaxed); // relaxed, here and below: a number by itself
  }
  [[nodiscard]] std::uint64_t ticks() const noexcept { return word() / 2; }
  void set(std::uint64_t ticks, std::uint64_t state) noexcept {
    word_.store(ticks * 2 + state, memory_order_relaxed);
  }

  // In 63 bits the ticks that it has run for or, while it runs, those less the moment of the start;
  // and which of the two.
  native_atomic<std::uint64_t> word_{0};
};

using stopwatch = basic_stopwatch<quick_clock>;

} // namespace parallel::detail
