// How much work is worth sharing, and worth taking at once: measured rather than guessed.
//
// `invite` says how many threads a loop is worth, and how many to wake; `basic_chunk_sizer` sizes
// one participant's claims: long enough to hide the price of a claim, short enough that a loop's
// end stays balanced. Entered from loop/loop.hpp; what is not worth sharing at all is in
// loop/sequential_cutoff.hpp, what is remembered from call to call in loop/cost_model.hpp.
#pragma once

#include <parallel/detail/loop/cost_model.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace parallel::detail {

/// What one more thread costs a loop, in nanoseconds: it joins and steals through cache lines
/// that the others want too, one after another.
inline constexpr double participant_ns = 300;

/// Work of less than so many times what a wake takes is as good as done when a worker comes that
/// was asleep.
inline constexpr double worth_waking = 1.25;

/// How long one claim should last, how long the first one after a start or a steal, and the last
/// ones, when a quarter of what is left is less still.
inline constexpr double chunk_ns = 10'000;
inline constexpr double first_chunk_ns = 1'000;
inline constexpr double least_chunk_ns = 400;

/// A steal takes a look at every slot, and holds up those who look too: for so many looks a thief
/// leaves to its owner what lasts less than that. (On 16 processors, 2,000 instead of 500 makes
/// loops of 20 to 300 microseconds 6 % to 15 % quicker; on two it makes no difference.)
constexpr double worth_stealing_ns(std::size_t slots) noexcept {
  constexpr double each = 125;
  constexpr double least = 500;
  const double all = each * static_cast<double>(slots);
  return all > least ? all : least;
}
inline constexpr int polite_looks = 16;

/// Loot that should last less is not tried at both ends.
inline constexpr double worth_trying_ns = 500;

/// Before the first claim of elements whose cost is remembered comes a short one, as they may be
/// much dearer now. It also pays for empty caches: up to so many times what is remembered is no
/// news.
inline constexpr double probe_chunk_ns = 125;
inline constexpr double no_news = 32;

/// After so much work, and four times as much each time, a participant looks whether what is left
/// is worth more threads than were invited. After so many times as much it does so at once, instead
/// of after one more claim.
inline constexpr double first_review_ns = 20'000;
inline constexpr double review_at_once = 16;

/// Claims that are expected to be shorter are timed together, as a look at the clock costs 10
/// to 25.
inline constexpr double worth_timing_ns = 900;

/// How many of `threads` threads, at least two, can make a call of `total_ns` of work quicker:
/// total / p + participant_ns p is least at the square root of their quotient. `awake` workers need
/// not be woken; each of the others has to have the time for some work after its wake. (Against a
/// search for the best number in bench/simulation.hpp, from five microseconds of work on, the first
/// rule loses 4 % at most, the second 7 %.)
constexpr std::size_t useful_threads(double total_ns, std::size_t threads, std::size_t awake,
                                     double wake_ns) noexcept {
  const double woken = wake_ns > 0 ? total_ns / wake_ns : 0;
  const double here = static_cast<double>(awake + 1);
  std::size_t most = 2;
  for (; most < threads; ++most) {
    const auto more = static_cast<double>(most + 1);
    if (more * more * participant_ns > total_ns || (wake_ns > 0 && more > here + woken))
      break;
  }
  return most;
}

/// Whom a call invites.
struct participation {
  std::size_t threads; // the caller among them
  std::size_t wakes;   // so many of them are to be woken; those who are awake come by themselves
};

/// For `total_ns` of work, 0 if that is not known. Little work is for those who are awake, if any:
/// who is woken for it would come too late, and cost its waker more than it brings.
constexpr participation plan_participation(double total_ns, std::size_t threads, std::size_t awake,
                                           double wake_ns) noexcept {
  const std::size_t most =
      total_ns == 0 ? threads : useful_threads(total_ns, threads, awake, wake_ns);
  const std::size_t here = awake + 1;
  // One at least, as those who are awake may be busy elsewhere.
  if (total_ns == 0 || awake == 0 ||
      (total_ns > worth_waking * wake_ns && total_ns > worth_comparing_ns))
    return {most, most > here ? most - here : 1};
  return {most < here ? most : here, 0};
}

/// One participant's claims. Where one ends, the next begins, so the clock is read once for each,
/// or for several that are short.
template <class Clock>
class basic_chunk_sizer {
 public:
  /// Starts from what the call site knows. With `site` null every claim is one block and nothing is
  /// measured: the user has chosen the grain.
  explicit basic_chunk_sizer(const cost_model* site) noexcept
      : measured_(site != nullptr), ns_per_grain_(site != nullptr ? site->shared_estimate() : 0) {}

  /// How many blocks to claim next.
  [[nodiscard]] std::uint32_t wanted() const noexcept {
    return static_cast<std::uint32_t>(wanted_);
  }

  /// How many are worth a claim even if less than a quarter is left behind.
  [[nodiscard]] std::uint32_t least() const noexcept {
    return ns_per_grain_ > 0 ? grains_lasting(least_chunk_ns) : 1;
  }

  /// How many are worth a steal among so many slots, if they are like those before.
  [[nodiscard]] std::uint32_t worth_stealing(std::size_t slots) const noexcept {
    return ns_per_grain_ > 0 ? grains_lasting(worth_stealing_ns(slots)) : 1;
  }

  /// Call it before the first claim.
  void start() noexcept {
    if (!measured_)
      return;
    known_ns_ = ns_per_grain_;
    is_trial_ = known_ns_ > 0;
    if (is_trial_)
      wanted_ = grains_lasting(probe_chunk_ns);
    last_ = Clock::now();
  }

  /// Call it after a steal: the time that took is not charged to any claim, and as the blocks are
  /// others than before, nothing is known of them.
  [[gnu::cold]] void restart() noexcept {
    if (!measured_)
      return;
    is_trial_ = false;
    is_loot_ = true;
    ns_per_grain_ = 0;
    wanted_ = 1;
    untimed_ = 0;
    last_ = Clock::now();
  }

  /// Whether both ends of so many blocks of loot are worth a try.
  [[nodiscard]] bool worth_trying(std::uint32_t blocks) const noexcept {
    return known_ns_ == 0 || known_ns_ * static_cast<double>(blocks) > worth_trying_ns;
  }

  /// Call it when the next claim is from the other end of the range: of loot, one end says nothing
  /// of the other.
  [[gnu::cold]] void turn() noexcept {
    if (!is_loot_)
      return;
    ns_per_grain_ = 0;
    wanted_ = 1;
  }

  /// Notes that a claim of `blocks` has just ended. Claims shrink at once when elements turn out
  /// dear; when they turn out cheap they grow at most fourfold to a microsecond (at once after a
  /// trial that was no news), then twofold.
  [[gnu::cold]] void claimed(std::uint32_t blocks) noexcept {
    if (!measured_)
      return;
    untimed_ += blocks;
    if (std::exchange(is_trial_, false) && !learn_from_trial()) {
      wanted_ = grains_lasting(first_chunk_ns);
      return;
    }
    std::uint32_t grown = wanted_;
    if (ns_per_grain_ == 0 || static_cast<double>(untimed_) * ns_per_grain_ >= worth_timing_ns) {
      time_claims();
      grown = 2 * wanted_;
    }
    const std::uint32_t first = smaller(4 * wanted_, grains_lasting(first_chunk_ns));
    wanted_ = smaller(grown > first ? grown : first, grains_lasting(chunk_ns));
  }

  /// Whether the last blocks were much dearer than is remembered; or, where nothing is, each took
  /// longer than a trial should. Never where the user has chosen the grain: claims do not grow
  /// there.
  [[nodiscard, gnu::cold]] bool is_expensive() const noexcept {
    return ns_per_grain_ > (known_ns_ > 0 ? no_news * known_ns_ : probe_chunk_ns);
  }

  /// The price of a block: the lesser of the mean and of the last ones, as some of the time may
  /// have been the system's. Only after a claim has been timed.
  [[nodiscard]] double ns_per_grain() const noexcept {
    const double mean = total_ns_ / static_cast<double>(total_grains_);
    return ns_per_grain_ > 0 && ns_per_grain_ < mean ? ns_per_grain_ : mean;
  }

  [[nodiscard]] double total_ns() const noexcept { return total_ns_; }
  [[nodiscard]] std::size_t total_grains() const noexcept { return total_grains_; }

 private:
  /// Times the first claim; false if it was no news, so that what was known stays.
  [[nodiscard, gnu::cold]] bool learn_from_trial() noexcept {
    const double known = ns_per_grain_;
    time_claims();
    if (ns_per_grain_ > no_news * known)
      return true;
    ns_per_grain_ = known;
    return false;
  }

  [[gnu::cold]] void time_claims() noexcept {
    const std::uint64_t now = Clock::now();
    const double measured = Clock::ns_between(last_, now);
    const double ns = measured < 1 ? 1 : measured; // not 0, which stands for unknown
    last_ = now;
    total_ns_ += ns;
    total_grains_ += untimed_;
    ns_per_grain_ = ns / static_cast<double>(untimed_);
    untimed_ = 0;
  }

  static constexpr std::uint32_t smaller(std::uint32_t a, std::uint32_t b) noexcept {
    return a < b ? a : b;
  }

  /// Blocks that are expected to last `ns`; at least 1.
  [[nodiscard, gnu::cold]] std::uint32_t grains_lasting(double ns) const noexcept {
    const double blocks = ns / ns_per_grain_;
    return blocks < 1 ? 1 : blocks > 1e9 ? 1'000'000'000 : static_cast<std::uint32_t>(blocks);
  }

  bool measured_;
  bool is_trial_ = false;
  bool is_loot_ = false;
  double ns_per_grain_; // 0 when unknown
  double known_ns_ = 0; // what the call site knew
  std::uint32_t wanted_ = 1;
  std::uint64_t last_ = 0;
  std::size_t untimed_ = 0; // blocks run since last_
  double total_ns_ = 0;
  std::size_t total_grains_ = 0;
};

} // namespace parallel::detail
