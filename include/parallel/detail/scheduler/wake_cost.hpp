// What it costs to wake a sleeping worker, as estimated from the last wakes.
//
// A loop is worth a wake only if it takes longer than the wake does, and what that takes differs
// between machines and with their load.
#pragma once

#include <parallel/detail/platform/sync.hpp>

namespace parallel::detail {

/// Any thread may call all of it. Every access is relaxed: the values are hints.
class wake_cost {
 public:
  /// Nanoseconds from the decision to wake a worker until that worker has begun and its waker has
  /// gone on.
  [[nodiscard]] double ns() const noexcept {
    return double{sleeper_ns_.load(memory_order_relaxed)} +
           double{waker_ns_.load(memory_order_relaxed)};
  }

  /// A worker ran `ns` nanoseconds after it was woken.
  void learn_sleeper(double ns) noexcept { blend(sleeper_ns_, ns); }

  /// Waking a worker took `ns` nanoseconds of its waker's time.
  void learn_waker(double ns) noexcept { blend(waker_ns_, ns); }

  /// A wake was not worth it. Lowers the estimate by 1/256 of the sleeper's part: else loops would
  /// never be woken for again, and it would go unnoticed that a wake costs less by now.
  void forget() noexcept {
    const float known = sleeper_ns_.load(memory_order_relaxed);
    sleeper_ns_.store(known * 255 / 256, memory_order_relaxed);
  }

 private:
  /// Exponential moving average with weight 1/4. Where processors are shared, a tenth of the wakes
  /// take several times as long as the others: so a single measurement counts as no farther from
  /// the estimate than half of that and a microsecond, and the estimate stays near the median.
  static void blend(atomic<float>& estimate, double ns) noexcept {
    constexpr double most = 300'000; // more says that the processors were busy
    const double known = estimate.load(memory_order_relaxed);
    const double most_change = known / 2 + 1'000;
    const double change = (ns < 0 ? 0 : ns > most ? most : ns) - known;
    const double counted = change > most_change    ? most_change
                           : change < -most_change ? -most_change
                                                   : change;
    estimate.store(static_cast<float>(known + counted / 4), memory_order_relaxed);
  }

  atomic<float> sleeper_ns_{50'000}; // until the woken worker runs
  atomic<float> waker_ns_{10'000};   // until its waker goes on
};

} // namespace parallel::detail
