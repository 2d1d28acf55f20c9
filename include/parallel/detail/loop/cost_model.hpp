// What a call site remembers from call to call: what its elements cost, and what sharing costs.
//
// A call site, here, is one instantiation of an algorithm: one combination of callable and range
// types, wherever it is called. Each has one cost_model. It also says when to make a comparison
// run, and when a series of calls has lost enough to pay for waking a worker.
#pragma once

#include <parallel/detail/loop/sampling.hpp>
#include <parallel/detail/loop/tuning.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

/// Exponential moving averages of costs at one call site. Functions of one type share a cost model;
/// each lambda has its own. All threads share it: a lost update costs a little precision and
/// nothing else, so all accesses are relaxed.
class cost_model {
 public:
  cost_model() = default;
  explicit cost_model(double ns_per_element) noexcept
      : ns_per_element_(static_cast<float>(ns_per_element)),
        shared_ns_per_element_(static_cast<float>(ns_per_element)) {}

  /// Nanoseconds per element for one thread alone; 0 when nothing is known yet.
  [[nodiscard]] double estimate() const noexcept {
    return static_cast<double>(ns_per_element_.load(memory_order_relaxed));
  }

  /// Nanoseconds per element for each of the threads that share a call; 0 when nothing is known
  /// yet. More than estimate() if the threads get in each other's way.
  [[nodiscard]] double shared_estimate() const noexcept {
    return static_cast<double>(shared_ns_per_element_.load(memory_order_relaxed));
  }

  /// Break-even: the work, in nanoseconds, from which sharing with workers that are awake pays
  /// here.
  [[nodiscard]] double break_even_ns() const noexcept {
    const double found =
        tuning::break_even_ratio * double{sharing_cost_ns_.load(memory_order_relaxed)};
    return found > tuning::min_shared_call_ns ? found : tuning::min_shared_call_ns;
  }

  /// Learns that `threads` threads took `ns` for a call whose work takes one thread `total_ns`.
  /// A call that took longer than that counts as `total_ns`: the system took the rest.
  void learn_sharing_cost(double ns, double total_ns, std::size_t threads) noexcept {
    const double cost = (ns < total_ns ? ns : total_ns) - total_ns / static_cast<double>(threads);
    const double known = sharing_cost_ns_.load(memory_order_relaxed);
    sharing_cost_ns_.store(static_cast<float>(known + (cost - known) * tuning::sharing_cost_weight),
                           memory_order_relaxed);
  }

  /// Whether the next call is a comparison run: it stays on its caller though it would be shared,
  /// or the other way round, so that the costs of both stay known. A series of runs begins once in
  /// `interval` calls.
  [[nodiscard]] bool take_comparison_run(std::uint64_t interval) noexcept {
    std::uint32_t left = comparison_runs_left_.load(memory_order_relaxed);
    if (left == 0 && is_sampled(interval, next_random()))
      left = tuning::comparison_runs;
    if (left == 0)
      return false;
    comparison_runs_left_.store(left - 1, memory_order_relaxed);
    return true;
  }

  /// Ends a series of comparison runs: calls have become too small to compare.
  void end_comparison() noexcept {
    if (!is_settled())
      comparison_runs_left_.store(0, memory_order_relaxed);
  }

  /// Whether the cost of the current call may be learnt: no comparison run follows. The runs before
  /// the last one pay for caches that the other choice has left empty.
  [[nodiscard]] bool is_settled() const noexcept {
    return comparison_runs_left_.load(memory_order_relaxed) == 0;
  }

  /// Lets the sharing cost fade, so that sharing is tried again: while all workers sleep, no
  /// comparison can measure it.
  void decay_sharing_cost() noexcept {
    comparison_runs_left_.store(0, memory_order_relaxed);
    const double known = sharing_cost_ns_.load(memory_order_relaxed);
    sharing_cost_ns_.store(static_cast<float>(known - known * tuning::sharing_cost_weight),
                           memory_order_relaxed);
  }

  /// Learns what one participant of a shared call measured. A short sample is learnt only if it
  /// differs much. The estimate for one thread alone is replaced only if it does not fit to the
  /// shared one: if it is higher, or lower by more than max_sharing_slowdown.
  PARALLEL_DETAIL_COMPACT void learn_shared(double ns, std::size_t elements) noexcept {
    const double expected = shared_estimate() * static_cast<double>(elements);
    if (ns <= tuning::min_shared_sample_ns && ns <= tuning::shared_increase * expected &&
        ns >= expected)
      return;
    update_average(shared_ns_per_element_, ns, elements);
    const double shared = shared_estimate();
    const double alone = estimate();
    if (alone > shared || alone < shared / tuning::max_sharing_slowdown)
      ns_per_element_.store(static_cast<float>(shared), memory_order_relaxed);
  }

  /// Learns what a thread alone measured.
  PARALLEL_DETAIL_COMPACT void learn(double ns, std::size_t elements) noexcept {
    update_average(ns_per_element_, ns, elements);
    update_average(shared_ns_per_element_, ns, elements);
  }

  /// Learns what a thread alone measured while workers were awake, unless it took longer than
  /// expected, but less than awake_increase times as long.
  void learn_while_workers_awake(double ns, std::size_t elements) noexcept {
    const double known = estimate() * static_cast<double>(elements);
    if (ns <= known || ns >= tuning::awake_increase * known)
      learn(ns, elements);
  }

  /// Whether the last clock readings in calls of few elements all found the first elements cheap.
  [[nodiscard]] bool is_stable() const noexcept {
    return cheap_readings_.load(memory_order_relaxed) == tuning::stable_readings;
  }

  /// Notes one more such clock reading.
  void note_reading(bool cheap) noexcept {
    const std::uint32_t before = cheap_readings_.load(memory_order_relaxed);
    if (!cheap)
      cheap_readings_.store(0, memory_order_relaxed);
    else if (before != tuning::stable_readings)
      cheap_readings_.store(before + 1, memory_order_relaxed);
  }

  /// Notes a call of `ns` nanoseconds that takes `lost_ns` longer because workers sleep. True if a
  /// worker is to be woken after all: calls in quick succession have together lost more than a
  /// wake costs, `wake_ns`, and the next such call would find the worker awake. (Rent or buy: to
  /// rent skis until the rent would have bought them costs at most twice the optimum; Karlin,
  /// Manasse, Rudolph, Sleator, 1988.)
  template <class Clock>
  [[nodiscard]] PARALLEL_DETAIL_COMPACT bool should_wake(double ns, double lost_ns,
                                                         double wake_ns) noexcept {
    const std::uint64_t now = Clock::now();
    const double since =
        Clock::ns_between(last_call_.exchange(now, memory_order_relaxed), now) - ns;
    const bool continues = since < tuning::quick_succession_ns;
    const double lost = lost_ns + (continues ? double{lost_ns_.load(memory_order_relaxed)} : 0);
    const bool wake = lost > wake_ns;
    lost_ns_.store(static_cast<float>(wake ? 0 : lost), memory_order_relaxed);
    return wake;
  }

 private:
  /// Exponential moving average, with a lower weight for a small increase.
  static void update_average(atomic<float>& average, double ns, std::size_t elements) noexcept {
    if (elements == 0)
      return;
    const double sample = ns / static_cast<double>(elements);
    const double known = average.load(memory_order_relaxed);
    const bool is_small_increase = sample >= known && sample < tuning::small_increase * known;
    double updated = known + (sample - known) * (is_small_increase ? tuning::small_increase_weight
                                                                   : tuning::sample_weight);
    if (known == 0)
      updated = sample;
    else if (updated > tuning::max_average_ratio * sample)
      updated = tuning::max_average_ratio * sample;
    constexpr double min_ns = 0.01; // not 0, which stands for unknown
    average.store(static_cast<float>(updated < min_ns ? min_ns : updated), memory_order_relaxed);
  }

  atomic<float> ns_per_element_{0};
  atomic<float> shared_ns_per_element_{0};
  atomic<float> sharing_cost_ns_{0}; // what a shared call took beyond an even part of the work
  atomic<std::uint32_t> comparison_runs_left_{0};
  atomic<std::uint32_t> cheap_readings_{0}; // in a row
  atomic<float> lost_ns_{0};                // by a series of calls, because workers sleep
  atomic<std::uint64_t> last_call_{0};      // when it was noted, on its caller's clock
};

} // namespace parallel::detail
