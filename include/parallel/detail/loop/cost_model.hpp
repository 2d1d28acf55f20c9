// What one combination of callable and range types has taught about its cost: alone, and shared.
//
// `cost_model` remembers from call to call what an element costs and what sharing costs, says when
// to try the other way, whether few elements have long been cheap, and when calls that found
// everybody asleep were many enough for a wake. Each algorithm has one for each of its
// instantiations; loop/sequential_cutoff.hpp, loop/chunking.hpp and loop/loop.hpp ask and teach it.
#pragma once

#include <parallel/detail/loop/sampling.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

/// Below this much work, in nanoseconds, a call gains nothing even from workers that are awake:
/// sharing costs 0.3 to 1.7 microseconds, and half of the work is what there is to gain. Below
/// the last figure it may still cost more than it gains, if cores are far apart or two of them are
/// one core's, or if the threads write to the same cache lines; there each call site compares:
/// often below the second figure, rarely above it, where there is little to lose.
inline constexpr double worth_sharing_ns = 2'000;
inline constexpr double worth_comparing_ns = 16'000;
inline constexpr double worth_comparing_rarely_ns = 64'000;

/// The running estimate of an element's cost at one call site: one combination of range and
/// callable types, so that functions of one type share an estimate, and lambdas have one each. It
/// is shared by all threads: a lost update costs a little precision, nothing else, so all is
/// relaxed.
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

  /// Likewise for each of the threads that share a call: more, if they get in each other's way.
  [[nodiscard]] double shared_estimate() const noexcept {
    return static_cast<double>(shared_ns_per_element_.load(memory_order_relaxed));
  }

  /// The work, in nanoseconds, from which sharing pays here with workers that are awake: from which
  /// two threads gain a twentieth.
  [[nodiscard]] double break_even_ns() const noexcept {
    const double found = 2.2 * double{sharing_ns_.load(memory_order_relaxed)};
    return found > worth_sharing_ns ? found : worth_sharing_ns;
  }

  /// Notes that a call took `ns`, shared by so many threads, whose work alone takes `total_ns`.
  /// Longer than that is as long: it was the system that took more.
  [[gnu::cold]] void learn_sharing(double ns, double total_ns, std::size_t threads) noexcept {
    const double cost = (ns < total_ns ? ns : total_ns) - total_ns / static_cast<double>(threads);
    const double known = sharing_ns_.load(memory_order_relaxed);
    sharing_ns_.store(static_cast<float>(known + (cost - known) / 8), memory_order_relaxed);
  }

  /// Whether a call that would be shared is to run alone, or the other way round, so that both
  /// ways stay known: that begins once in so many calls, and goes on for a few, as the first one
  /// has to fetch from another core's cache what the calls before have left there.
  [[nodiscard, gnu::cold]] bool tries_other_way(std::uint64_t once_in) noexcept {
    std::uint32_t left = trials_.load(memory_order_relaxed);
    if (left == 0 && one_in(once_in, draw()))
      left = trial_calls;
    if (left == 0)
      return false;
    trials_.store(left - 1, memory_order_relaxed);
    return true;
  }

  /// Calls have become too small to compare.
  void end_trial() noexcept {
    if (!is_settled())
      trials_.store(0, memory_order_relaxed);
  }

  /// Whether what this call takes is to be learnt: not while a trial has only begun.
  [[nodiscard]] bool is_settled() const noexcept { return trials_.load(memory_order_relaxed) == 0; }

  /// Nothing is measured while the workers sleep: what was found before fades, to be tried again.
  [[gnu::cold]] void forget_sharing() noexcept {
    trials_.store(0, memory_order_relaxed);
    const float known = sharing_ns_.load(memory_order_relaxed);
    sharing_ns_.store(known * 7 / 8, memory_order_relaxed);
  }

  /// Blends in what one participant of a shared call has measured. That includes what sharing costs
  /// its elements, so where little was measured only a large difference counts; and it says nothing
  /// of what they cost alone, unless that cannot be what is remembered.
  [[gnu::cold]] void learn_shared(double ns, std::size_t elements) noexcept {
    const double expected = shared_estimate() * static_cast<double>(elements);
    if (ns <= worth_comparing_ns / 2 && ns <= 2 * expected && ns >= expected)
      return;
    blend(shared_ns_per_element_, ns, elements);
    const double shared = shared_estimate();
    const double alone = estimate();
    if (alone > shared || alone < shared / most_hindrance)
      ns_per_element_.store(static_cast<float>(shared), memory_order_relaxed);
  }

  /// Blends in what a thread alone has measured.
  [[gnu::cold]] void learn(double ns, std::size_t elements) noexcept {
    blend(ns_per_element_, ns, elements);
    blend(shared_ns_per_element_, ns, elements);
  }

  /// Likewise while workers are awake, who hold it up if they are on its core: so unless it is
  /// twice as long or more, only the least that was seen is learnt.
  [[gnu::cold]] void learn_beside(double ns, std::size_t elements) noexcept {
    const double known = estimate() * static_cast<double>(elements);
    if (ns <= known || ns >= 2 * known)
      learn(ns, elements);
  }

  /// Whether the last looks at the first elements of brief calls have all found them cheap.
  [[nodiscard]] bool is_calm() const noexcept {
    return calm_looks_.load(memory_order_relaxed) == most_calm_looks;
  }

  /// Notes one more such look.
  void note_look(bool cheap) noexcept {
    const std::uint32_t before = calm_looks_.load(memory_order_relaxed);
    if (!cheap)
      calm_looks_.store(0, memory_order_relaxed);
    else if (before != most_calm_looks)
      calm_looks_.store(before + 1, memory_order_relaxed);
  }

  /// Notes a call of `ns` nanoseconds that takes `lost_ns` longer than it would with one more
  /// worker, or with all that it is worth, because they sleep; and says whether to wake one after
  /// all: when such calls follow each other so quickly that a worker, once awake, would be found
  /// awake by the next, and have together lost what a wake costs, `wake_ns`. (To rent skis until
  /// they could have been bought costs at most twice the best that could have been done: Karlin,
  /// Manasse, Rudolph, Sleator, 1988.)
  template <class Clock>
  [[nodiscard, gnu::cold]] bool worth_a_wake(double ns, double lost_ns, double wake_ns) noexcept {
    const std::uint64_t now = Clock::now();
    const double since = Clock::ns_between(last_.exchange(now, memory_order_relaxed), now) - ns;
    const double lost =
        lost_ns + (since < soon_ns ? double{lost_ns_.load(memory_order_relaxed)} : 0);
    const bool wake = lost > wake_ns;
    lost_ns_.store(static_cast<float>(wake ? 0 : lost), memory_order_relaxed);
    return wake;
  }

 private:
  /// Less than a worker looks around before it sleeps.
  static constexpr double soon_ns = 50'000;

  static constexpr std::uint32_t trial_calls = 4;

  /// More than what comes between two interruptions by the system, in calls of a microsecond, is
  /// never reached; less says little of calls that are dear once in a while.
  static constexpr std::uint32_t most_calm_looks = 256;

  /// How many times as long an element may take because others share the call.
  static constexpr double most_hindrance = 8;

  /// What is measured counts half, or a quarter if it is a little more than what is known: some of
  /// the time may have been the system's. So much more may have been that the new estimate is twice
  /// what was measured at the most.
  static void blend(atomic<float>& estimate, double ns, std::size_t elements) noexcept {
    if (elements == 0)
      return;
    const double measured = ns / static_cast<double>(elements);
    const double known = estimate.load(memory_order_relaxed);
    const bool little_more = measured >= known && measured < 2 * known;
    double blended = known + (measured - known) / (little_more ? 4 : 2);
    if (known == 0)
      blended = measured;
    else if (blended > 2 * measured)
      blended = 2 * measured;
    constexpr double least = 0.01; // not 0, which stands for unknown
    estimate.store(static_cast<float>(blended < least ? least : blended), memory_order_relaxed);
  }

  atomic<float> ns_per_element_{0};
  atomic<float> shared_ns_per_element_{0};
  atomic<float> sharing_ns_{0};     // what a shared call took beyond an even part of the work
  atomic<std::uint32_t> trials_{0}; // how many more calls go the other way
  atomic<std::uint32_t> calm_looks_{0};
  atomic<float> lost_ns_{0};
  atomic<std::uint64_t> last_{0}; // when the last call was noted, on its caller's clock
};

} // namespace parallel::detail
