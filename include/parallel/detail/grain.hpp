// How much work is worth sharing, and worth taking at once: measured rather than guessed.
//
// `call_site` remembers what an element costs for one combination of callable and range types;
// `run_while_small` keeps what is not worth sharing on its caller; `invite` says how many threads
// the rest is worth, and whether to wake any; `basic_pace` sizes one participant's claims: long
// enough to hide the price of a claim, short enough that a loop's end stays balanced. Entered from
// loop.hpp.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

/// Below this much work, in nanoseconds, a call gains nothing even from workers that are awake:
/// sharing costs 0.3 to 0.9 of a microsecond, and half of the work is what there is to gain. Below
/// the last figure it may still cost more than it gains, if cores are far apart or two of them are
/// one core's, or if the threads write to the same cache lines; there each call site compares:
/// often below the second figure, rarely above it, where there is little to lose.
inline constexpr double worth_sharing_ns = 2'000;
inline constexpr double worth_comparing_ns = 16'000;
inline constexpr double worth_comparing_rarely_ns = 64'000;

/// What one more thread costs a loop, in nanoseconds: it joins, leaves and steals through cache
/// lines that the others want too, one after another.
inline constexpr double participant_ns = 300;

/// Work of less than so many times what a wake takes is as good as done when a worker comes that
/// was asleep.
inline constexpr double worth_waking = 1.25;

/// How long one claim should last, how long the first one after a start or a steal, and the last
/// ones, when a quarter of what is left is less still.
inline constexpr double claim_ns = 10'000;
inline constexpr double first_claim_ns = 1'000;
inline constexpr double least_claim_ns = 400;

/// Work that is expected to be shorter is run without a look at the clock, which costs 10 to 25.
inline constexpr double worth_timing_ns = 900;

/// Less than this says more about the clock than about the elements.
inline constexpr double worth_learning_ns = 200;

/// Elements of less than this may be part of a loop of vector instructions.
inline constexpr double worth_vectors_ns = 4;

/// True for about one in `many` of the moments given: the upper bits of this product are as good as
/// random.
constexpr bool one_in(std::uint64_t many, std::uint64_t moment) noexcept {
  return moment * 0x9E37'79B9'7F4A'7C15 <= ~std::uint64_t{0} / many;
}

/// The running estimate of an element's cost at one call site: one combination of range and
/// callable types, so that functions of one type share an estimate, and lambdas have one each. It
/// is shared by all threads: a lost update costs a little precision, nothing else, so all is
/// relaxed.
class call_site {
 public:
  call_site() = default;
  explicit call_site(double ns_per_element) noexcept
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
  [[nodiscard, gnu::cold]] double break_even_ns() const noexcept {
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
  [[nodiscard, gnu::cold]] bool tries_other_way(std::uint64_t once_in, std::uint64_t now) noexcept {
    std::uint32_t left = trials_.load(memory_order_relaxed);
    if (left == 0 && one_in(once_in, now))
      left = trial_calls;
    if (left == 0)
      return false;
    trials_.store(left - 1, memory_order_relaxed);
    return true;
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
  atomic<float> lost_ns_{0};
  atomic<std::uint64_t> last_{0}; // when the last call was noted, on its caller's clock
};

/// How many of `threads` threads, at least two, can make a call of `total_ns` of work quicker:
/// total / p + participant_ns p is least at the square root of their quotient. `awake` workers need
/// not be woken; each of the others has to have the time for some work after its wake. (Against a
/// search for the best number in bench/simulation.hpp, from five microseconds of work on, the first
/// rule loses 7 % at most, the second 13 %.)
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
  bool wakes;          // also such as sleep; else those who are awake come by themselves
};

/// For `total_ns` of work, 0 if that is not known. Little work is for those who are awake, if any:
/// who is woken for it would come too late, and cost its waker more than it brings.
constexpr invitation invite(double total_ns, std::size_t threads, std::size_t awake,
                            double wake_ns) noexcept {
  if (total_ns == 0)
    return {threads, true};
  const std::size_t most = threads_worth(total_ns, threads, awake, wake_ns);
  if (awake == 0 || (total_ns > worth_waking * wake_ns && total_ns > worth_comparing_ns))
    return {most, true};
  return {most < awake + 1 ? most : awake + 1, false};
}

/// The calling thread's last look at a clock in run_while_small: less than a microsecond ago, in
/// programs in which the price of a second look would count.
inline constinit thread_local per_thread<std::uint64_t> last_look = 0;

/// Runs the front of [0, n) on the calling thread for as long as that is too little to share, and
/// returns how far it came: n, or the index from which sharing pays. A site of unknown cost shares
/// from the start. `wake_ns()` is how long a worker takes to come, 0 when one is awake. A body that
/// throws leaves at once, as in the plain loop.
///
/// The elements may have become dearer than the site remembers, so the clock is looked at after the
/// first one (or few), and then after strips that grow to a microsecond of what is remembered. To
/// save a look before the first one, that is taken to be cheap if the thread's last look, in an
/// earlier call, was less than a microsecond ago; else the second one is timed. Near the
/// break-even, a few calls in a hundred go the other way. `Clock` is another one in tests only.
template <class Clock, class WakeTime, class Body>
std::size_t run_while_small(call_site& site, std::size_t n, const WakeTime& wake_ns,
                            const Body& body) {
  const double known = site.estimate();
  if (known == 0)
    return 0;
  const double total = known * static_cast<double>(n);
  bool compare = false;
  if (total > worth_sharing_ns) {
    const double wake = wake_ns();
    const bool pays = total > site.break_even_ns();
    compare = total < worth_comparing_rarely_ns &&
              site.tries_other_way(pays && total > worth_comparing_ns ? 1'024 : 128, Clock::now());
    if (compare && wake > 0) {
      site.forget_sharing();
      compare = false;
    }
    // Until a worker comes the caller works alone, and the wake itself takes some of its time.
    const bool shared =
        pays && (total > worth_waking * wake || site.worth_a_wake<Clock>(total, total / 2, wake));
    if (shared != compare)
      return 0;
  }
  const double least = compare ? 4 * total : 0; // no comparison is worth more
  const auto longest = total < worth_timing_ns / 2
                           ? n
                           : n / 16 + static_cast<std::size_t>(first_claim_ns / known) + 1;
  // One element, or as many of the smallest as leave the rest on a cache line's boundary: loops
  // over those are made of vector instructions, to which that matters.
  const std::size_t first = known < worth_vectors_ns && n >= 256 ? 16 : 1;
  const std::uint64_t before = last_look; // which nested calls change
  body(0, first);
  const std::uint64_t start = Clock::now();
  const double since = Clock::ns_between(before, start);
  const bool quick = since >= 0 && since < first_claim_ns;
  last_look = start;
  std::size_t done = first;
  double elapsed = 0;
  // A jump to 128 elements; or, if the whole call is worth no more looks, to its end.
  const std::size_t second = longest == n || longest < 128 ? longest : 128;
  for (std::size_t strip = quick ? second : first; strip < n - done;
       strip = strip * 128 < longest ? strip * 128 : longest) {
    body(done, done + strip);
    done += strip;
    last_look = Clock::now();
    elapsed = Clock::ns_between(start, last_look);
    const double left = elapsed / static_cast<double>(done - first) * static_cast<double>(n - done);
    if (elapsed > first_claim_ns && left > least && left > site.break_even_ns() &&
        left > worth_waking * wake_ns()) {
      site.learn(elapsed, done - first);
      return done;
    }
  }
  body(done, n);
  // What the last strip took is looked at once in a while only: a tail that has become dear is
  // found by one of the next calls.
  if (!quick || compare || one_in(32, start)) {
    last_look = Clock::now();
    elapsed = Clock::ns_between(start, last_look);
    done = n;
  }
  if (elapsed > worth_learning_ns && (!compare || site.is_settled()))
    site.learn(elapsed, done - first);
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
      : measured_(site != nullptr), ns_per_block_(site != nullptr ? site->shared_estimate() : 0) {}

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
  [[gnu::cold]] void restart() noexcept {
    if (!measured_)
      return;
    ns_per_block_ = 0;
    wanted_ = 1;
    untimed_ = 0;
    last_ = Clock::now();
  }

  /// Notes that a claim of `blocks` has just ended. Claims shrink at once when elements turn out
  /// dear; when they turn out cheap they grow at most fourfold to a microsecond, then twofold.
  [[gnu::cold]] void claimed(std::uint32_t blocks) noexcept {
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
  double ns_per_block_; // 0 when unknown
  std::uint32_t wanted_ = 1;
  std::uint64_t last_ = 0;
  std::size_t untimed_ = 0; // blocks run since last_
  double total_ns_ = 0;
  std::size_t total_blocks_ = 0;
};

} // namespace parallel::detail
