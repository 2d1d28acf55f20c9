// How much work is worth sharing, and worth taking at once: measured rather than guessed.
//
// `call_site` remembers what an element costs for one combination of callable and range types;
// `run_while_small` keeps what is not worth sharing on its caller; `basic_pace` sizes one
// participant's claims: long enough to hide the price of a claim, short enough that a loop's end
// stays balanced. Entered from loop.hpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace parallel::detail {

/// Below this much work, in nanoseconds, a call gains nothing even from workers that are awake:
/// sharing costs about 0.3 of a microsecond, and half of the work is what there is to gain.
inline constexpr double worth_sharing_ns = 2'000;

/// Fewer threads than could have this much work each are not worth inviting.
inline constexpr double worth_a_share_ns = 1'000;

/// How long one claim should last, how long the first one after a start or a steal, and the last
/// ones, when a quarter of what is left is less still.
inline constexpr double claim_ns = 10'000;
inline constexpr double first_claim_ns = 1'000;
inline constexpr double least_claim_ns = 400;

/// Work that is expected to be shorter is run without a look at the clock, which costs 10 to 25.
inline constexpr double worth_timing_ns = 900;

/// Less than this says more about the clock than about the elements.
inline constexpr double worth_learning_ns = 200;

/// The running estimate of an element's cost at one call site: one combination of range and
/// callable types, so that functions of one type share an estimate, and lambdas have one each. It
/// is shared by all threads: a lost update costs a little precision, nothing else, so all is
/// relaxed.
class call_site {
 public:
  /// Nanoseconds per element; 0 when nothing is known yet.
  [[nodiscard]] double estimate() const noexcept {
    return static_cast<double>(ns_per_element_.load(std::memory_order_relaxed));
  }

  /// Blends a new measurement into the estimate, half and half.
  void learn(double ns, std::size_t elements) noexcept {
    if (elements == 0)
      return;
    const double measured = ns / static_cast<double>(elements);
    const double known = estimate();
    const double blended = known > 0 ? (known + measured) / 2 : measured;
    constexpr double least = 0.01; // not 0, which stands for unknown
    ns_per_element_.store(static_cast<float>(blended < least ? least : blended),
                          std::memory_order_relaxed);
  }

  /// Notes a call of `ns` nanoseconds of work that stays on its caller only because the workers
  /// sleep, and says whether to wake them after all: when such calls follow each other so quickly
  /// that a worker, once awake, would be found awake by the next, and have together lost what a
  /// wake costs, `wake_ns`. (To rent skis until they could
  /// have been bought costs at most twice the best that could have been done: Karlin, Manasse,
  /// Rudolph, Sleator, 1988.)
  template <class Clock>
  [[nodiscard]] bool worth_a_wake(double ns, double wake_ns) noexcept {
    const std::uint64_t now = Clock::now();
    const double since =
        Clock::ns_between(last_.exchange(now, std::memory_order_relaxed), now) - ns;
    const double lost =
        ns / 2 + (since < soon_ns ? double{lost_ns_.load(std::memory_order_relaxed)} : 0);
    const bool wake = lost > wake_ns;
    lost_ns_.store(static_cast<float>(wake ? 0 : lost), std::memory_order_relaxed);
    return wake;
  }

 private:
  /// Less than a worker looks around before it sleeps.
  static constexpr double soon_ns = 50'000;

  std::atomic<float> ns_per_element_{0};
  std::atomic<float> lost_ns_{0};
  std::atomic<std::uint64_t> last_{0}; // when the last call was noted, on its caller's clock
};

/// Runs the front of [0, n) on the calling thread for as long as that is too little to share, and
/// returns how far it came: n, or the index from which sharing pays. A site of unknown cost shares
/// from the start. `wake_ns()` is how long a worker takes to come, 0 when one is awake. A body that
/// throws leaves at once, as in the plain loop.
///
/// The elements may have become dearer than the site remembers, so the clock is looked at after the
/// first one, and then after strips that grow to a microsecond of what is remembered. `Clock` is
/// another one in tests only.
template <class Clock, class WakeTime, class Body>
std::size_t run_while_small(call_site& site, std::size_t n, const WakeTime& wake_ns,
                            const Body& body) {
  const double known = site.estimate();
  if (known == 0)
    return 0;
  // Until a worker comes the caller works alone, and the wake itself takes some of its time.
  const auto worth_sharing = [&](double ns) {
    return ns > worth_sharing_ns && ns > 1.25 * wake_ns();
  };
  const double total = known * static_cast<double>(n);
  if (worth_sharing(total))
    return 0;
  if (total > worth_sharing_ns && site.worth_a_wake<Clock>(total, wake_ns()))
    return 0;
  const auto longest = n / 16 + static_cast<std::size_t>(first_claim_ns / known) + 1;
  const std::uint64_t start = Clock::now();
  std::size_t done = 0;
  double elapsed = 0;
  for (std::size_t strip = 1; strip < n - done;
       strip = strip * 128 < longest ? strip * 128 : longest) {
    body(done, done + strip);
    done += strip;
    elapsed = Clock::ns_between(start, Clock::now());
    if (elapsed > first_claim_ns &&
        worth_sharing(elapsed / static_cast<double>(done) * static_cast<double>(n - done))) {
      site.learn(elapsed, done);
      return done;
    }
  }
  body(done, n);
  // What the last strip took is looked at once in a while only: a tail that has become dear is
  // found by one of the next calls. (The upper bits of this product are as good as random.)
  if (start * 0x9E37'79B9'7F4A'7C15 >> 60 == 0) {
    elapsed = Clock::ns_between(start, Clock::now());
    done = n;
  }
  if (elapsed > worth_learning_ns)
    site.learn(elapsed, done);
  return n;
}

/// One participant's claims. Where one ends, the next begins, so the clock is read once for each,
/// or for several that are short.
template <class Clock>
class basic_pace {
 public:
  /// Starts from what the call site knows. With `site` null every claim is one block and nothing is
  /// measured: the user has chosen the grain.
  explicit basic_pace(const call_site* site) noexcept
      : measured_(site != nullptr), ns_per_block_(site != nullptr ? site->estimate() : 0) {}

  /// How many blocks to claim next.
  [[nodiscard]] std::uint32_t wanted() const noexcept {
    return static_cast<std::uint32_t>(wanted_);
  }

  /// How many are worth a claim even if less than a quarter is left behind.
  [[nodiscard]] std::uint32_t least() const noexcept {
    return ns_per_block_ > 0 ? blocks_in(least_claim_ns) : 1;
  }

  /// Call it before the first claim.
  void start() noexcept {
    if (!measured_)
      return;
    if (ns_per_block_ > 0)
      wanted_ = blocks_in(first_claim_ns);
    last_ = Clock::now();
  }

  /// Call it after a steal: the time that took is not charged to any claim, and as the blocks are
  /// others than before, nothing is known of them.
  void restart() noexcept {
    if (!measured_)
      return;
    ns_per_block_ = 0;
    wanted_ = 1;
    untimed_ = 0;
    last_ = Clock::now();
  }

  /// Notes that a claim of `blocks` has just ended. Claims shrink at once when elements turn out
  /// dear; when they turn out cheap they grow at most fourfold to a microsecond, then twofold.
  void claimed(std::uint32_t blocks) noexcept {
    if (!measured_)
      return;
    untimed_ += blocks;
    std::uint32_t grown = wanted_;
    if (ns_per_block_ == 0 || static_cast<double>(untimed_) * ns_per_block_ >= worth_timing_ns) {
      time_claims();
      grown = 2 * wanted_;
    }
    const std::uint32_t first = smaller(4 * wanted_, blocks_in(first_claim_ns));
    wanted_ = smaller(grown > first ? grown : first, blocks_in(claim_ns));
  }

  [[nodiscard]] double total_ns() const noexcept { return total_ns_; }
  [[nodiscard]] std::size_t total_blocks() const noexcept { return total_blocks_; }

 private:
  void time_claims() noexcept {
    const std::uint64_t now = Clock::now();
    const double measured = Clock::ns_between(last_, now);
    const double ns = measured < 1 ? 1 : measured; // not 0, which stands for unknown
    last_ = now;
    total_ns_ += ns;
    total_blocks_ += untimed_;
    ns_per_block_ = ns / static_cast<double>(untimed_);
    untimed_ = 0;
  }

  static constexpr std::uint32_t smaller(std::uint32_t a, std::uint32_t b) noexcept {
    return a < b ? a : b;
  }

  /// Blocks that are expected to last `ns`; at least 1.
  [[nodiscard]] std::uint32_t blocks_in(double ns) const noexcept {
    const double blocks = ns / ns_per_block_;
    return blocks < 1 ? 1 : blocks > 1e9 ? 1'000'000'000 : static_cast<std::uint32_t>(blocks);
  }

  bool measured_;
  double ns_per_block_; // 0 when unknown
  std::uint32_t wanted_ = 1;
  std::uint64_t last_ = 0;
  std::size_t untimed_ = 0; // blocks run since last_
  double total_ns_ = 0;
  std::size_t total_blocks_ = 0;
};

} // namespace parallel::detail
