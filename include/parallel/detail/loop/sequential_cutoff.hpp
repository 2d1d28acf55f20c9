// The sequential cutoff: calls that are too short to share run on their caller.
//
// `run_below_cutoff` is how each loop begins whose grain is measured. It decides by what the call
// site's cost model expects. As the elements may cost more now, the caller reads the clock while it
// runs them, as rarely as it can: a clock reading costs as much as a few elements. If they turn out
// expensive, the rest of the call is left to be shared.
#pragma once

#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/loop/cost_model.hpp>
#include <parallel/detail/loop/sampling.hpp>
#include <parallel/detail/loop/tuning.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/thread_context.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

/// A call of few elements that are not worth sharing, as far as the model knows.
inline bool is_few_and_cheap(const cost_model& model, std::size_t n) noexcept {
  return n <= tuning::few_elements &&
         model.estimate() * static_cast<double>(n) <= model.break_even_ns();
}

/// How many elements come before the first clock reading: one or a few; or, of the cheapest, 16,
/// which is a cache line of 4-byte elements.
constexpr std::size_t first_segment_size(double ns_per_element, std::size_t n) noexcept {
  return ns_per_element < tuning::vectorized_ns && n >= tuning::min_vectorized_call
             ? tuning::vectorized_segment
             : n / tuning::first_segment_divisor + 1;
}

/// The first elements of a call, and what the clock reading behind them has found.
struct first_segment {
  std::size_t elements;
  std::uint64_t ended_at; // on the caller's clock
  bool was_quick;
  bool goes_on; // false: the body has ended the loop
};

/// Runs the first elements. They are quick if, since `before`, less than `expected_ns` and
/// first_chunk_ns have passed.
template <class Clock, class Body>
first_segment run_first_segment(std::size_t elements, std::uint64_t before, double expected_ns,
                                const Body& body) {
  const bool goes_on = detail::run_range(body, 0, elements);
  const std::uint64_t now = Clock::now();
  this_thread.clock_reading = now;
  const double since = Clock::ns_between(before, now);
  return {elements, now, since >= 0 && since < tuning::first_chunk_ns + expected_ns, goes_on};
}

/// How the rest of a call is timed.
struct timing_plan {
  double ns_per_element;       // remembered
  std::size_t longest_segment; // elements
  bool is_comparison_run;      // timed to its end
  std::uint64_t tail_interval; // of other calls, one in this many is timed to its end, too
};

/// Learns what the `elements` after the first segment cost. They took `ns`, which is 0 if they were
/// not timed.
template <class Workers>
void learn_from_segments(cost_model& model, double ns, std::size_t elements, const Workers& workers,
                         const timing_plan& plan) {
  const double expected = plan.ns_per_element * static_cast<double>(elements);
  const bool is_sample =
      ns > tuning::min_sample_ns || (ns > 0 && ns < tuning::far_cheaper * expected);
  if (!is_sample || (plan.is_comparison_run && !model.is_settled()))
    return;
  if (workers.wake_ns() > 0)
    model.learn(ns, elements);
  else
    model.learn_while_workers_awake(ns, elements);
}

/// Runs what follows the first segment in segments that grow, and learns what the elements cost;
/// nothing if the body ends the loop. Returns n, or the index from which sharing pays.
template <class Clock, class Workers, class Body>
std::size_t run_remaining_segments(cost_model& model, std::size_t n, const Workers& workers,
                                   const Body& body, const first_segment& first,
                                   const timing_plan& plan) {
  const std::size_t begin = first.elements;
  const double min_left = plan.is_comparison_run ? tuning::max_comparison_ratio *
                                                       plan.ns_per_element * static_cast<double>(n)
                                                 : 0;
  const std::size_t longest = plan.longest_segment;
  std::size_t done = begin;
  double elapsed = 0;
  // A jump to segment_growth elements; or to the end, if no further reading is worth its cost.
  const std::size_t second =
      longest == n || longest < tuning::segment_growth ? longest : tuning::segment_growth;
  for (std::size_t segment = first.was_quick ? second : begin; segment < n - done;
       segment = segment * tuning::segment_growth < longest ? segment * tuning::segment_growth
                                                            : longest) {
    if (!detail::run_range(body, done, done + segment))
      return n;
    done += segment;
    this_thread.clock_reading = Clock::now();
    elapsed = Clock::ns_between(first.ended_at, this_thread.clock_reading);
    const double left = elapsed / static_cast<double>(done - begin) * static_cast<double>(n - done);
    if (elapsed > tuning::first_chunk_ns && left > min_left && left > model.break_even_ns() &&
        left > tuning::wake_break_even_ratio * workers.wake_ns()) {
      model.learn(elapsed, done - begin);
      return done;
    }
  }
  if (!detail::run_range(body, done, n))
    return n;
  if (!first.was_quick || plan.is_comparison_run ||
      is_sampled(plan.tail_interval, first.ended_at)) {
    this_thread.clock_reading = Clock::now();
    elapsed = Clock::ns_between(first.ended_at, this_thread.clock_reading);
    done = n;
  }
  detail::learn_from_segments(model, elapsed, done - begin, workers, plan);
  return n;
}

/// A call before it runs, as far as the model knows it.
struct expected_call {
  std::size_t elements;
  double ns_per_element; // not 0
  double total_ns;
  bool is_few_and_cheap;
  std::uint64_t calls_per_reading; // one call in this many comes to be decided and timed
};

/// What becomes of a call.
struct cutoff_decision {
  bool stays;             // on its caller; false: it is shared from its first element
  bool is_comparison_run; // stays only to compare; not set if it is shared
};

/// Decides whether a call stays on its caller. Near the break-even, a few calls in a hundred are
/// comparison runs, for which the decision is reversed.
///
/// Inlined, as is run_in_segments: each has one place from which it is called, which gets smaller
/// and quicker by that.
template <class Clock, class Workers>
[[gnu::always_inline]] inline cutoff_decision
decide_cutoff(cost_model& model, const expected_call& call, const Workers& workers) {
  const double total = call.total_ns;
  if (total <= tuning::min_shared_call_ns) {
    model.end_comparison();
    return {true, false};
  }
  const double wake = workers.wake_ns();
  const bool pays = total > model.break_even_ns();
  const bool is_rare = wake > 0 ? total <= tuning::min_segmented_call_ns
                                : pays && total > tuning::frequent_comparison_ns;
  const std::uint64_t interval =
      is_rare ? tuning::rare_comparison_interval : tuning::frequent_comparison_interval;
  bool is_comparison_run = total < tuning::max_comparison_ns &&
                           model.take_comparison_run(interval / call.calls_per_reading);
  if (is_comparison_run && wake > 0) {
    model.decay_sharing_cost();
    is_comparison_run = false;
  }
  // Until a worker comes the caller works alone, and the wake itself takes some of its time. So up
  // to half of the call is lost if no worker is woken.
  const bool should_share = pays && (total > tuning::wake_break_even_ratio * wake ||
                                     model.should_wake<Clock>(total, total / 2, wake));
  if (should_share != is_comparison_run)
    return {false, false};
  if (pays && wake > 0 && total > wake / 2)
    workers.forget_wake();
  return {true, is_comparison_run};
}

/// Runs a call on its caller for as long as its elements cost what is expected. Returns n, or the
/// index from which sharing pays.
///
/// The clock is read behind the first element (or few) and then, in longer calls, behind segments
/// that grow until one holds a sixteenth of the call and a microsecond of work. No reading is made
/// before the first segment if the thread has read the clock in an earlier call: if that was not
/// much longer ago than a short call takes, the first segment was quick. If it was longer ago,
/// nothing is known, and the second segment is as short as the first, and timed.
template <class Clock, class Workers, class Body>
[[gnu::always_inline]] inline std::size_t
run_in_segments(cost_model& model, const expected_call& call, bool is_comparison_run,
                const Workers& workers, const Body& body) {
  const std::size_t n = call.elements;
  const double known = call.ns_per_element;
  const bool is_segmented = call.total_ns > tuning::min_segmented_call_ns;
  const std::size_t longest = is_segmented
                                  ? n / tuning::longest_segment_divisor +
                                        static_cast<std::size_t>(tuning::first_chunk_ns / known) + 1
                                  : n;
  const std::size_t size =
      is_segmented && known >= tuning::vectorized_ns ? 1 : detail::first_segment_size(known, n);
  const std::uint64_t before =
      call.is_few_and_cheap ? Clock::now()
                            : std::uint64_t{this_thread.clock_reading}; // nested calls change it
  const double expected_ns = call.is_few_and_cheap ? known : is_segmented ? 0 : call.total_ns;
  const first_segment first = detail::run_first_segment<Clock>(size, before, expected_ns, body);
  if (!first.goes_on)
    return n;
  if (call.is_few_and_cheap)
    model.note_reading(first.was_quick);
  return detail::run_remaining_segments<Clock>(
      model, n, workers, body, first,
      {known, longest, is_comparison_run, tuning::tail_interval / call.calls_per_reading});
}

/// What run_below_cutoff does for calls that may be worth sharing, and for few elements. Not
/// inlined, as run_below_cutoff would then save its registers for the shortest calls too.
template <class Clock, class Workers, class Body>
[[gnu::noinline]] std::size_t decide_and_run(cost_model& model, std::size_t n,
                                             const Workers& workers, const Body& body) {
  const double known = model.estimate();
  if (known == 0)
    return 0;
  const bool is_few_and_cheap = detail::is_few_and_cheap(model, n);
  const expected_call call = {n, known, known * static_cast<double>(n), is_few_and_cheap,
                              is_few_and_cheap && model.is_stable() ? tuning::few_elements_interval
                                                                    : 1};
  const cutoff_decision decision = detail::decide_cutoff<Clock>(model, call, workers);
  if (!decision.stays)
    return 0;
  return detail::run_in_segments<Clock>(model, call, decision.is_comparison_run, workers, body);
}

/// What run_below_cutoff does for more than a few elements that are not worth sharing: the same as
/// decide_and_run in half of the time, some 20 ns, with one clock reading as a rule. Not inlined
/// for the same reason.
template <class Clock, class Workers, class Body>
[[gnu::noinline]] std::size_t run_with_one_reading(cost_model& model, double known, std::size_t n,
                                                   const Workers& workers, const Body& body) {
  const double total = known * static_cast<double>(n);
  const first_segment first = detail::run_first_segment<Clock>(
      detail::first_segment_size(known, n), this_thread.clock_reading, total, body);
  if (!first.goes_on)
    return n;
  if (first.was_quick && !is_sampled(tuning::tail_interval, first.ended_at)) {
    body(first.elements, n);
    return n;
  }
  return detail::run_remaining_segments<Clock>(model, n, workers, body, first,
                                               {known, n, false, tuning::tail_interval});
}

/// Runs the front of [0, n) on the calling thread for as long as that is too little to share.
/// Returns how far it came: n, or the index from which sharing pays. A call whose cost is unknown
/// shares from its first element.
///
/// `workers.wake_ns()` is the time until a sleeping worker has come, 0 if a worker is awake;
/// `workers.forget_wake()` is told of calls for which that was a little too long. A body that
/// throws ends the call at once, as in the plain loop; if it returns false (see run_range()), n is
/// returned. Only tests use another `Clock`.
template <class Clock, class Workers, class Body>
std::size_t run_below_cutoff(cost_model& model, std::size_t n, const Workers& workers,
                             const Body& body) {
  if (model.is_settled()) {
    if (n <= tuning::few_elements) {
      if (model.is_stable() && detail::is_few_and_cheap(model, n) &&
          !is_sampled(tuning::few_elements_interval, detail::next_random())) {
        body(0, n);
        return n;
      }
    } else if (const double known = model.estimate();
               known > 0 && known * static_cast<double>(n) <= tuning::min_shared_call_ns) {
      return detail::run_with_one_reading<Clock>(model, known, n, workers, body);
    }
  }
  return detail::decide_and_run<Clock>(model, n, workers, body);
}

} // namespace parallel::detail
