// A loop that can be stopped, timed out or throttled, and that reports its progress.
//
// A call with a stop condition, a time limit, a rate or a progress hook runs its loop with a
// controlled_body around the user's body. The wrapper runs the elements one by one, or in short
// segments, and checks before each whether the loop is over. A call without such options runs its
// body directly, and no code is generated for the wrapper.
#pragma once

#include <parallel/detail/control/deadline.hpp>
#include <parallel/detail/control/rate_limiter.hpp>
#include <parallel/detail/lite/lock_guard.hpp>
#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/lite/small_function.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/errors.hpp>
#include <parallel/progress.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

/// Why a loop has left out elements.
enum class end_reason { none, stopped, deadline };

class controlled_body {
 public:
  using stop_query = small_function<bool()>;
  using progress_call = small_function<void(const progress&)>;
  static constexpr std::int64_t no_limit = deadline::none;

  /// The shortest time between two progress reports, except before the last one.
  static constexpr std::int64_t report_interval_ns = 100'000'000;

  /// All arguments taken by reference or pointer must outlive the controlled_body. `limiter` may be
  /// null. The time limit starts now.
  controlled_body(const stop_query& stop, std::int64_t limit_ns, const progress_call& report,
                  const rate_limiter* limiter, std::size_t total, const loop_body& body) noexcept
      : body_(body), stop_(stop), report_(report), limiter_(limiter), total_(total),
        start_ns_(steady_ns()), limit_(limit_ns) {}

  /// Runs the elements begin … end − 1, or fewer if the loop ends. Any number of threads may call
  /// it at once. Returns false once no more elements may start, so that the loop can drop the rest
  /// without asking for each element.
  PARALLEL_DETAIL_COMPACT bool operator()(std::size_t begin, std::size_t end) const {
    if (!report_) {
      run(begin, end);
      return reason() == end_reason::none;
    }
    while (begin != end && reason() == end_reason::none) {
      const std::size_t segment = segment_.load(memory_order_relaxed); // relaxed: a hint
      const std::size_t until = segment < end - begin ? begin + segment : end;
      const std::size_t ran = run(begin, until);
      begin = until;
      // relaxed, both: a counter and a hint, which publish no other data
      const std::size_t done = done_.fetch_add(ran, memory_order_relaxed) + ran;
      if (done >= next_reading_.load(memory_order_relaxed))
        read_clock(done, segment);
    }
    return reason() == end_reason::none;
  }

  /// Sends the last progress report. The calling thread calls it after the loop, when no thread
  /// runs the body any more. Exceptions of the hook propagate.
  void finish() const {
    if (report_)
      report_(progress_now(true));
  }

  /// Why elements were left out, if any were. While the loop runs, the value may be outdated.
  [[nodiscard]] end_reason reason() const noexcept {
    return reason_.load(memory_order_relaxed); // relaxed: read late, it costs one more check
  }

 private:
  /// The time between two clock readings, counting all threads together. It is long beside the ten
  /// microseconds of work in a chunk, so readings cost little, and short beside the time between
  /// reports, so reports are on time.
  static constexpr std::int64_t reading_interval_ns = 100'000;

  /// Returns how many elements have run. If the body throws, the elements of the current segment
  /// are not counted.
  PARALLEL_DETAIL_COMPACT std::size_t run(std::size_t begin, std::size_t end) const {
    if (!stop_ && !limit_.exists() && limiter_ == nullptr) {
      body_(begin, end);
      return end - begin;
    }
    std::size_t i = begin;
    for (; i != end && may_start(i); ++i)
      run_one(i);
    return i - begin;
  }

  /// Runs element i. If it throws, its index is recorded, and threads that wait for the turn of a
  /// higher element give up their wait: the result of that element is no longer needed.
  void run_one(std::size_t i) const {
    try {
      body_(i, i + 1);
    } catch (...) {
      std::size_t lowest = lowest_failed_.load(memory_order_relaxed); // relaxed, both: a hint
      while (i < lowest && !lowest_failed_.compare_exchange_weak(lowest, i, memory_order_relaxed))
        ;
      throw;
    }
  }

  /// Called before each element; with a rate it also sleeps until the element's turn. False means
  /// that element i is left out.
  [[nodiscard]] bool may_start(std::size_t i) const {
    if (is_over())
      return false;
    if (limiter_ == nullptr)
      return true;
    return sleep_until(limiter_->reserve_turn(steady_ns()), [this, i] {
      return lowest_failed_.load(memory_order_relaxed) < i || is_over(); // relaxed: a hint
    });
  }

  /// Evaluates the stop condition and the time limit. The first reason that any thread finds is
  /// kept.
  [[nodiscard]] PARALLEL_DETAIL_COMPACT bool is_over() const {
    if (reason() != end_reason::none)
      return true;
    end_reason found = end_reason::none;
    if (stop_ && stop_())
      found = end_reason::stopped;
    else if (limit_.has_passed())
      found = end_reason::deadline;
    else
      return false;
    end_reason first = end_reason::none;
    // relaxed: the calling thread reads it for good only after the loop has joined its helpers
    reason_.compare_exchange_strong(first, found, memory_order_relaxed);
    return true;
  }

  [[nodiscard]] PARALLEL_DETAIL_COMPACT progress progress_now(bool last) const noexcept {
    return {done_.load(memory_order_relaxed), total_, // relaxed: a counter
            static_cast<double>(steady_ns() - start_ns_) * 1e-9, last};
  }

  /// Called by a thread whose segment brings `done` to next_reading_: adapts the length of segments
  /// to the time since the last reading, and sends a progress report if one is due.
  void read_clock(std::size_t done, std::size_t segment) const {
    const std::uint64_t now = quick_clock::now();
    // relaxed, all: hints, for which any thread's last reading is good enough
    const double since =
        quick_clock::ns_between(last_reading_.exchange(now, memory_order_relaxed), now);
    if (since < reading_interval_ns / 4)
      segment = segment < total_ ? 4 * segment : segment;
    else if (since > reading_interval_ns && segment > 1)
      segment /= 2;
    segment_.store(segment, memory_order_relaxed);
    next_reading_.store(done + segment, memory_order_relaxed);
    report_if_due(now);
  }

  /// One thread reports at a time. A thread that finds another one reporting goes on with its
  /// elements instead of waiting.
  void report_if_due(std::uint64_t now) const {
    const auto is_due = [&] { // relaxed: checked again under the lock
      return quick_clock::ns_between(last_report_.load(memory_order_relaxed), now) >=
             report_interval_ns;
    };
    if (!is_due() || !reporting_.try_lock())
      return;
    const lock_guard lock(reporting_, adopt_lock);
    if (!is_due())
      return;
    last_report_.store(now, memory_order_relaxed); // relaxed: under the lock
    report_(progress_now(false));
  }

  const loop_body body_;
  const stop_query& stop_;
  const progress_call& report_;
  const rate_limiter* const limiter_; // or null
  const std::size_t total_;
  const std::int64_t start_ns_;
  const deadline limit_;
  mutable atomic<end_reason> reason_{end_reason::none};
  mutable atomic<std::size_t> lowest_failed_{SIZE_MAX}; // the lowest element that has thrown
  mutable mutex reporting_;                             // held while the progress hook runs
  mutable atomic<std::uint64_t> last_report_{quick_clock::now()};
  mutable atomic<std::uint64_t> last_reading_{quick_clock::now()};
  mutable atomic<std::size_t> segment_{1};      // elements that a thread runs between two checks
  mutable atomic<std::size_t> next_reading_{1}; // the value of done_ at which the clock is read
  alignas(64) mutable atomic<std::size_t> done_{0}; // elements run; counted only for progress
};

/// What the options of a call ask a controlled_body to do.
struct control_request {
  const controlled_body::stop_query& stop;
  std::int64_t limit_ns; // from now on
  const controlled_body::progress_call& report;
  const rate_limiter* limiter; // or null
};

/// Calls run() once with a controlled_body around `body`, for a loop of n elements. Throws
/// `stopped` or `deadline_exceeded` if elements were left out; an exception of an element takes
/// precedence.
PARALLEL_DETAIL_COMPACT inline void run_controlled(const control_request& request, std::size_t n,
                                                   const loop_body& body, const loop_runner& run) {
  const controlled_body controlled(request.stop, request.limit_ns, request.report, request.limiter,
                                   n, body);
  try {
    run(loop_body(controlled));
  } catch (...) {
    try {
      controlled.finish();
    } catch (...) {
      // The element's exception came first, and only one can propagate.
    }
    throw;
  }
  controlled.finish();
  if (controlled.reason() == end_reason::stopped)
    throw stopped();
  if (controlled.reason() == end_reason::deadline)
    throw deadline_exceeded();
}

/// A pointer to run_controlled. Options that need it carry it, so that a source file in which no
/// call has such options does not compile it.
using controller = decltype(&run_controlled);

} // namespace parallel::detail
