// What is too little to share: run on its caller, and looked at, as it may have become more.
//
// `run_below_cutoff` is how each loop begins whose grain is measured. What it decides by is in
// loop/cost_model.hpp. A look at the clock costs as much as a few elements, so here is also decided
// how few are enough. Entered from loop/loop.hpp, which shares the rest.
#pragma once

#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/loop/chunking.hpp>
#include <parallel/detail/loop/cost_model.hpp>
#include <parallel/detail/loop/sampling.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/thread_context.hpp>

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

/// A call of few elements that are not worth sharing, going by what the site remembers.
inline bool is_brief(const cost_model& site, std::size_t n) noexcept {
  return n <= few_elements && site.estimate() * static_cast<double>(n) <= site.break_even_ns();
}

/// How many elements come before the first look: one or a few, or as many of the smallest as leave
/// the rest on a cache line's boundary: loops over those are made of vector instructions, to which
/// that matters.
constexpr std::size_t first_strip(double known, std::size_t n) noexcept {
  return known < worth_vectors_ns && n >= 256 ? 16 : n / 64 + 1;
}

/// The first elements of a call, and what the look at the clock behind them has found.
struct first_look {
  std::size_t elements;
  std::uint64_t at;
  bool quick;
  bool goes_on; // false: the body has ended the loop
};

/// Runs the first elements; they are quick if hardly more than `due` nanoseconds have passed since
/// `before`.
template <class Clock, class Body>
first_look run_first(std::size_t elements, std::uint64_t before, double due, const Body& body) {
  const bool goes_on = detail::run_range(body, 0, elements);
  const std::uint64_t at = Clock::now();
  this_thread.clock_reading = at;
  const double since = Clock::ns_between(before, at);
  return {elements, at, since >= 0 && since < first_chunk_ns + due, goes_on};
}

/// How the rest of a call is watched.
struct watch {
  double known;        // what an element has been thought to take
  std::size_t longest; // how many elements there are between two looks at the most
  bool compare;        // whether the call is timed to its end, to be compared with shared ones
  std::uint64_t timed_once_in; // of other calls, one in so many is timed to its end too
};

/// What the last strip takes is looked at once in a while only: a tail that has become dear is
/// found by one of the next calls.
inline constexpr std::uint64_t calls_a_last_look = 32;

/// Runs what follows the first look in strips that grow, and learns what the elements take; nothing
/// if the body ends the loop.
template <class Clock, class Wakes, class Body>
std::size_t run_rest(cost_model& site, std::size_t n, const Wakes& wakes, const Body& body,
                     const first_look& look, const watch& how) {
  const std::size_t first = look.elements;
  // No comparison is worth more than four times what is remembered.
  const double least = how.compare ? 4 * how.known * static_cast<double>(n) : 0;
  std::size_t done = first;
  double elapsed = 0;
  // A jump to 32 elements; or, if the call is worth no more looks, to its end.
  const std::size_t second = how.longest == n || how.longest < 32 ? how.longest : 32;
  for (std::size_t strip = look.quick ? second : first; strip < n - done;
       strip = strip * 32 < how.longest ? strip * 32 : how.longest) {
    if (!detail::run_range(body, done, done + strip))
      return n;
    done += strip;
    this_thread.clock_reading = Clock::now();
    elapsed = Clock::ns_between(look.at, this_thread.clock_reading);
    const double left = elapsed / static_cast<double>(done - first) * static_cast<double>(n - done);
    if (elapsed > first_chunk_ns && left > least && left > site.break_even_ns() &&
        left > worth_waking * wakes.wake_ns()) {
      site.learn(elapsed, done - first);
      return done;
    }
  }
  if (!detail::run_range(body, done, n))
    return n;
  if (!look.quick || how.compare || one_in(how.timed_once_in, look.at)) {
    this_thread.clock_reading = Clock::now();
    elapsed = Clock::ns_between(look.at, this_thread.clock_reading);
    done = n;
  }
  const double expected = how.known * static_cast<double>(done - first);
  if ((elapsed > worth_learning_ns || (elapsed > 0 && elapsed < worth_unlearning * expected)) &&
      (!how.compare || site.is_settled())) {
    if (wakes.wake_ns() > 0)
      site.learn(elapsed, done - first);
    else
      site.learn_beside(elapsed, done - first);
  }
  return n;
}

/// What run_below_cutoff does for calls that may be worth sharing, and for few elements.
///
/// The elements may have become dearer than the site remembers, so the clock is looked at after the
/// first one (or few) and then, in longer calls, after strips that grow to a microsecond of what is
/// remembered. To save a look before the first one, that is taken to be cheap if the thread's last
/// look, in an earlier call, is hardly longer ago than the rest of a short call takes; else the
/// second one is timed. Near the break-even, a few calls in a hundred go the other way.
template <class Clock, class Wakes, class Body>
std::size_t run_and_look(cost_model& site, std::size_t n, const Wakes& wakes, const Body& body) {
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
  const auto longest = watched ? n / 16 + static_cast<std::size_t>(first_chunk_ns / known) + 1 : n;
  const std::size_t first = watched && known >= worth_vectors_ns ? 1 : first_strip(known, n);
  const std::uint64_t before =
      brief ? Clock::now() : std::uint64_t{this_thread.clock_reading}; // nested calls change it
  const double due = brief ? known : watched ? 0 : total; // what that should have taken
  const first_look look = detail::run_first<Clock>(first, before, due, body);
  if (!look.goes_on)
    return n;
  if (brief)
    site.note_look(look.quick);
  return detail::run_rest<Clock>(site, n, wakes, body, look,
                                 {known, longest, compare, calls_a_last_look / calls_a_look});
}

/// Likewise for more elements that are not worth sharing: in half of the time, some 20 ns. Not
/// inlined, as run_below_cutoff would then save its registers for the shortest calls too.
template <class Clock, class Wakes, class Body>
[[gnu::noinline]] std::size_t run_and_look_once(cost_model& site, double known, std::size_t n,
                                                const Wakes& wakes, const Body& body) {
  const double total = known * static_cast<double>(n);
  const first_look look = detail::run_first<Clock>(detail::first_strip(known, n),
                                                   this_thread.clock_reading, total, body);
  if (!look.goes_on)
    return n;
  if (look.quick && !one_in(calls_a_last_look, look.at)) {
    body(look.elements, n);
    return n;
  }
  return detail::run_rest<Clock>(site, n, wakes, body, look, {known, n, false, calls_a_last_look});
}

/// Runs the front of [0, n) on the calling thread for as long as that is too little to share, and
/// returns how far it came: n, or the index from which sharing pays. A site of unknown cost shares
/// from the start. `wakes.wake_ns()` is what it takes to have a worker come, 0 when one is awake;
/// forget_wake() hears of calls for which that was a little too much. A body that throws leaves at
/// once, as in the plain loop; when it returns false (see run_range()), the answer is n.
/// `Clock` is another one in tests only.
template <class Clock, class Wakes, class Body>
std::size_t run_below_cutoff(cost_model& site, std::size_t n, const Wakes& wakes,
                             const Body& body) {
  if (site.is_settled()) {
    if (n <= few_elements) {
      if (site.is_calm() && detail::is_brief(site, n) &&
          !one_in(brief_calls_a_look, detail::draw())) {
        body(0, n);
        return n;
      }
    } else if (const double known = site.estimate();
               known > 0 && known * static_cast<double>(n) <= worth_sharing_ns) {
      return detail::run_and_look_once<Clock>(site, known, n, wakes, body);
    }
  }
  return detail::run_and_look<Clock>(site, n, wakes, body);
}

} // namespace parallel::detail
