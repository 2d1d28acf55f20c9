// What is too little to share: run on its caller, and looked at, as it may have become more.
//
// `run_while_small` is how each loop begins whose grain is measured. What it decides by is in
// call_site.hpp. A look at the clock costs as much as a few elements, so here is also decided how
// few are enough. Entered from loop.hpp, which shares the rest.
#pragma once

#include <parallel/detail/call_site.hpp>
#include <parallel/detail/draw.hpp>
#include <parallel/detail/grain.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

/// A look at the clock costs 10 to 25 and holds up the processor: what comes after it waits for
/// what came before, which can cost 60 more. So a call that stays on its caller and is expected to
/// be shorter than this is looked at once, soon after its beginning, unless that finds it dear; and
/// one of so few elements that little is left to share by then one time in so many, if they have
/// long been cheap.
inline constexpr double worth_watching_ns = 4'000;
inline constexpr std::size_t few_elements = 16;
inline constexpr std::uint64_t brief_calls_a_look = 8;

/// Less than this says more about the clock than about the elements, unless it is this small a part
/// of what they were thought to take.
inline constexpr double worth_learning_ns = 200;
inline constexpr double worth_unlearning = 1.0 / 8;

/// Elements of less than this may be part of a loop of vector instructions.
inline constexpr double worth_vectors_ns = 4;

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

} // namespace parallel::detail
