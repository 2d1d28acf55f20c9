// How much work is worth sharing, and worth taking at once: measured rather than guessed.
//
// `run_while_small` keeps what is not worth sharing on its caller; `invite` says how many threads
// the rest is worth, and how many to wake; `basic_pace` sizes one participant's claims: long
// enough to hide the price of a claim, short enough that a loop's end stays balanced. Entered from
// loop.hpp; what is remembered from call to call is in call_site.hpp.
#pragma once

#include <parallel/detail/call_site.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace parallel::detail {

/// What one more thread costs a loop, in nanoseconds: it joins, leaves and steals through cache
/// lines that the others want too, one after another.
inline constexpr double participant_ns = 300;

/// Work of less than so many times what a wake takes is as good as done when a worker comes that
/// was asleep.
inline constexpr double worth_waking = 1.25;

/// How long one claim should last, how long the first one after a start or a steal, and the last
/// ones, when a quarter of what is left is less still. A steal costs both as long as that: for so
/// many looks a thief leaves to its owner what lasts less than the last figure.
inline constexpr double claim_ns = 10'000;
inline constexpr double first_claim_ns = 1'000;
inline constexpr double least_claim_ns = 400;
inline constexpr double worth_stealing_ns = 500;
inline constexpr int polite_looks = 16;

/// Before the first claim of elements whose cost is remembered comes a short one, as they may be
/// much dearer now. It also pays for empty caches: up to so many times what is remembered is no
/// news.
inline constexpr double trial_claim_ns = 125;
inline constexpr double no_news = 32;

/// After so much work, and four times as much each time, a participant looks whether what is left
/// is worth more threads than were invited.
inline constexpr double first_review_ns = 20'000;

/// Claims that are expected to be shorter are timed together, as a look at the clock costs 10
/// to 25.
inline constexpr double worth_timing_ns = 900;

/// A look also holds up the processor: what comes after it waits for what came before, which can
/// cost 60 more. So a call that stays on its caller and is expected to be shorter than this is
/// looked at once, soon after its beginning, unless that finds it dear; and one of so few elements
/// that little is left to share by then one time in so many, if they have long been cheap.
inline constexpr double worth_watching_ns = 4'000;
inline constexpr std::size_t few_elements = 16;
inline constexpr std::uint64_t brief_calls_a_look = 8;

/// Less than this says more about the clock than about the elements, unless it is this small a part
/// of what they were thought to take.
inline constexpr double worth_learning_ns = 200;
inline constexpr double worth_unlearning = 1.0 / 8;

/// Elements of less than this may be part of a loop of vector instructions.
inline constexpr double worth_vectors_ns = 4;

/// How many of `threads` threads, at least two, can make a call of `total_ns` of work quicker:
/// total / p + participant_ns p is least at the square root of their quotient. `awake` workers need
/// not be woken; each of the others has to have the time for some work after its wake. (Against a
/// search for the best number in bench/simulation.hpp, from five microseconds of work on, the first
/// rule loses 4 % at most, the second 7 %.)
constexpr std::size_t threads_worth(double total_ns, std::size_t threads, std::size_t awake,
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
struct invitation {
  std::size_t threads; // the caller among them
  std::size_t wakes;   // so many of them are to be woken; those who are awake come by themselves
};

/// For `total_ns` of work, 0 if that is not known. Little work is for those who are awake, if any:
/// who is woken for it would come too late, and cost its waker more than it brings.
constexpr invitation invite(double total_ns, std::size_t threads, std::size_t awake,
                            double wake_ns) noexcept {
  const std::size_t most =
      total_ns == 0 ? threads : threads_worth(total_ns, threads, awake, wake_ns);
  const std::size_t here = awake + 1;
  // One at least, as those who are awake may be busy elsewhere.
  if (total_ns == 0 || awake == 0 ||
      (total_ns > worth_waking * wake_ns && total_ns > worth_comparing_ns))
    return {most, most > here ? most - here : 1};
  return {most < here ? most : here, 0};
}

/// The calling thread's last look at a clock in run_and_look: not long ago, in programs in which
/// the price of a second look would count.
inline constinit thread_local per_thread<std::uint64_t> last_look = 0;

/// A call of few elements that are not worth sharing, going by what the site remembers.
inline bool is_brief(const call_site& site, std::size_t n) noexcept {
  return n <= few_elements && site.estimate() * static_cast<double>(n) <= site.break_even_ns();
}

/// What run_while_small does for all calls but most of the brief ones at a calm site.
///
/// The elements may have become dearer than the site remembers, so the clock is looked at after the
/// first one (or few) and then, in longer calls, after strips that grow to a microsecond of what is
/// remembered. To save a look before the first one, that is taken to be cheap if the thread's last
/// look, in an earlier call, is hardly longer ago than the rest of a short call takes; else the
/// second one is timed. Near the break-even, a few calls in a hundred go the other way.
template <class Clock, class Wakes, class Body>
std::size_t run_and_look(call_site& site, std::size_t n, const Wakes& wakes, const Body& body) {
  const double known = site.estimate();
  if (known == 0)
    return 0;
  const double total = known * static_cast<double>(n);
  const bool brief = detail::is_brief(site, n);
  const std::uint64_t calls_a_look = brief && site.is_calm() ? brief_calls_a_look : 1;
  const bool watched = total > worth_watching_ns;
  bool compare = false;
  if (total > worth_sharing_ns) {
    const double wake = wakes.wake_ns();
    const bool pays = total > site.break_even_ns();
    // Rarely where there is little to lose, or little to gain if that takes a wake.
    const bool rarely = wake > 0 ? !watched : pays && total > worth_comparing_ns;
    compare = total < worth_comparing_rarely_ns &&
              site.tries_other_way((rarely ? 1'024 : 128) / calls_a_look);
    if (compare && wake > 0) {
      site.forget_sharing();
      compare = false;
    }
    // Until a worker comes the caller works alone, and the wake itself takes some of its time.
    const bool shared =
        pays && (total > worth_waking * wake || site.worth_a_wake<Clock>(total, total / 2, wake));
    if (shared != compare)
      return 0;
    if (pays && wake > 0 && total > wake / 2)
      wakes.forget_wake();
  } else {
    site.end_trial();
  }
  const double least = compare ? 4 * total : 0; // no comparison is worth more
  const auto longest = watched ? n / 16 + static_cast<std::size_t>(first_claim_ns / known) + 1 : n;
  // One element or a few, or as many of the smallest as leave the rest on a cache line's boundary:
  // loops over those are made of vector instructions, to which that matters.
  const std::size_t first = known < worth_vectors_ns && n >= 256 ? 16 : watched ? 1 : n / 64 + 1;
  const std::uint64_t before =
      brief ? Clock::now() : std::uint64_t{last_look}; // nested calls change it
  body(0, first);
  const std::uint64_t start = Clock::now();
  const double since = Clock::ns_between(before, start);
  const double due = brief ? known : watched ? 0 : total; // what that should have taken
  const bool quick = since >= 0 && since < first_claim_ns + due;
  last_look = start;
  if (brief)
    site.note_look(quick);
  std::size_t done = first;
  double elapsed = 0;
  // A jump to 32 elements; or, if the call is worth no more looks, to its end.
  const std::size_t second = longest == n || longest < 32 ? longest : 32;
  for (std::size_t strip = quick ? second : first; strip < n - done;
       strip = strip * 32 < longest ? strip * 32 : longest) {
    body(done, done + strip);
    done += strip;
    last_look = Clock::now();
    elapsed = Clock::ns_between(start, last_look);
    const double left = elapsed / static_cast<double>(done - first) * static_cast<double>(n - done);
    if (elapsed > first_claim_ns && left > least && left > site.break_even_ns() &&
        left > worth_waking * wakes.wake_ns()) {
      site.learn(elapsed, done - first);
      return done;
    }
  }
  body(done, n);
  // What the last strip took is looked at once in a while only: a tail that has become dear is
  // found by one of the next calls.
  if (!quick || compare || one_in(32 / calls_a_look, start)) {
    last_look = Clock::now();
    elapsed = Clock::ns_between(start, last_look);
    done = n;
  }
  const double expected = known * static_cast<double>(done - first);
  if ((elapsed > worth_learning_ns || (elapsed > 0 && elapsed < worth_unlearning * expected)) &&
      (!compare || site.is_settled())) {
    if (wakes.wake_ns() > 0)
      site.learn(elapsed, done - first);
    else
      site.learn_beside(elapsed, done - first);
  }
  return n;
}

/// Runs the front of [0, n) on the calling thread for as long as that is too little to share, and
/// returns how far it came: n, or the index from which sharing pays. A site of unknown cost shares
/// from the start. `wakes.wake_ns()` is what it takes to have a worker come, 0 when one is awake;
/// forget_wake() hears of calls for which that was a little too much. A body that throws leaves at
/// once, as in the plain loop. `Clock` is another one in tests only.
template <class Clock, class Wakes, class Body>
std::size_t run_while_small(call_site& site, std::size_t n, const Wakes& wakes, const Body& body) {
  if (site.is_calm() && site.is_settled() && detail::is_brief(site, n) &&
      !one_in(brief_calls_a_look, detail::draw())) {
    body(0, n);
    return n;
  }
  return detail::run_and_look<Clock>(site, n, wakes, body);
}

/// One participant's claims. Where one ends, the next begins, so the clock is read once for each,
/// or for several that are short.
template <class Clock>
class basic_pace {
 public:
  /// Starts from what the call site knows. With `site` null every claim is one block and nothing is
  /// measured: the user has chosen the grain.
  explicit basic_pace(const call_site* site) noexcept
      : measured_(site != nullptr), ns_per_block_(site != nullptr ? site->shared_estimate() : 0) {}

  /// How many blocks to claim next.
  [[nodiscard]] std::uint32_t wanted() const noexcept {
    return static_cast<std::uint32_t>(wanted_);
  }

  /// How many are worth a claim even if less than a quarter is left behind.
  [[nodiscard]] std::uint32_t least() const noexcept {
    return ns_per_block_ > 0 ? blocks_in(least_claim_ns) : 1;
  }

  /// How many are worth a steal, if they are like those before.
  [[nodiscard]] std::uint32_t worth_stealing() const noexcept {
    return ns_per_block_ > 0 ? blocks_in(worth_stealing_ns) : 1;
  }

  /// Call it before the first claim.
  void start() noexcept {
    if (!measured_)
      return;
    is_trial_ = ns_per_block_ > 0;
    if (is_trial_)
      wanted_ = blocks_in(trial_claim_ns);
    last_ = Clock::now();
  }

  /// Call it after a steal: the time that took is not charged to any claim, and as the blocks are
  /// others than before, nothing is known of them.
  [[gnu::cold]] void restart() noexcept {
    if (!measured_)
      return;
    is_trial_ = false;
    ns_per_block_ = 0;
    wanted_ = 1;
    untimed_ = 0;
    last_ = Clock::now();
  }

  /// Notes that a claim of `blocks` has just ended. Claims shrink at once when elements turn out
  /// dear; when they turn out cheap they grow at most fourfold to a microsecond (at once after a
  /// trial that was no news), then twofold.
  [[gnu::cold]] void claimed(std::uint32_t blocks) noexcept {
    if (!measured_)
      return;
    untimed_ += blocks;
    if (std::exchange(is_trial_, false) && !learn_from_trial()) {
      wanted_ = blocks_in(first_claim_ns);
      return;
    }
    std::uint32_t grown = wanted_;
    if (ns_per_block_ == 0 || static_cast<double>(untimed_) * ns_per_block_ >= worth_timing_ns) {
      time_claims();
      grown = 2 * wanted_;
    }
    const std::uint32_t first = smaller(4 * wanted_, blocks_in(first_claim_ns));
    wanted_ = smaller(grown > first ? grown : first, blocks_in(claim_ns));
  }

  /// The price of a block: the lesser of the mean and of the last ones, as some of the time may
  /// have been the system's. Only after a claim has been timed.
  [[nodiscard]] double ns_per_block() const noexcept {
    const double mean = total_ns_ / static_cast<double>(total_blocks_);
    return ns_per_block_ > 0 && ns_per_block_ < mean ? ns_per_block_ : mean;
  }

  [[nodiscard]] double total_ns() const noexcept { return total_ns_; }
  [[nodiscard]] std::size_t total_blocks() const noexcept { return total_blocks_; }

 private:
  /// Times the first claim; false if it was no news, so that what was known stays.
  [[nodiscard, gnu::cold]] bool learn_from_trial() noexcept {
    const double known = ns_per_block_;
    time_claims();
    if (ns_per_block_ > no_news * known)
      return true;
    ns_per_block_ = known;
    return false;
  }

  [[gnu::cold]] void time_claims() noexcept {
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
  [[nodiscard, gnu::cold]] std::uint32_t blocks_in(double ns) const noexcept {
    const double blocks = ns / ns_per_block_;
    return blocks < 1 ? 1 : blocks > 1e9 ? 1'000'000'000 : static_cast<std::uint32_t>(blocks);
  }

  bool measured_;
  bool is_trial_ = false;
  double ns_per_block_; // 0 when unknown
  std::uint32_t wanted_ = 1;
  std::uint64_t last_ = 0;
  std::size_t untimed_ = 0; // blocks run since last_
  double total_ns_ = 0;
  std::size_t total_blocks_ = 0;
};

} // namespace parallel::detail
