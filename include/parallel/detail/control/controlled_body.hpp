// A loop that can be ended early, or that tells how far it has come: a body around the user's body.
//
// Where a call has a stop condition, a time limit, a rate or a progress hook, run_controlled puts a
// `control` in the place of the loop's body; without them none of this is on the way, nor compiled.
// Entered from options.hpp.
#pragma once

#include <parallel/detail/control/deadline.hpp>
#include <parallel/detail/control/rate_limiter.hpp>
#include <parallel/detail/lite/lock_guard.hpp>
#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/lite/small_function.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/errors.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel {

/// How far a call has come, as its progress hook is told.
struct progress {
  static constexpr std::size_t unknown = SIZE_MAX; ///< the total of a source that does not know it

  std::size_t done = 0;  ///< elements whose calls have ended; some short ones before a failed one
                         ///< may be missing
  std::size_t total = 0; ///< elements in all
  double seconds = 0;    ///< since the call began
  bool last = false;     ///< nothing follows: the call is over, be it because it failed

  /// Elements a second so far; 0 when that cannot be told yet.
  [[nodiscard]] double rate() const noexcept {
    return seconds > 0 ? static_cast<double>(done) / seconds : 0;
  }

  /// The time that the rest will take at this rate, in seconds; below 0 when it cannot be told yet.
  [[nodiscard]] double seconds_left() const noexcept {
    return rate() > 0 && total != unknown ? static_cast<double>(total - done) / rate() : -1;
  }
};

namespace detail {

/// Why a loop has left out elements.
enum class halt { none, stopped, deadline };

class controlled_body {
 public:
  using stop_query = small_function<bool()>;
  using progress_call = small_function<void(const progress&)>;
  static constexpr std::int64_t no_limit = deadline::none;
  static constexpr std::int64_t report_every_ns = 100'000'000;

  /// What is referred to must outlive the control; as must the rate_limiter, if there is one.
  controlled_body(const stop_query& stop, std::int64_t limit_ns, const progress_call& report,
                  const rate_limiter* pace, std::size_t total, const loop_body& body) noexcept
      : body_(body), stop_(stop), report_(report), pace_(pace), total_(total),
        start_ns_(steady_ns()), limit_(limit_ns) {}

  /// The controlled body; any number of threads at once. False once no more elements are to be
  /// started, so that whoever runs the loop need not ask for each.
  [[gnu::cold]] bool operator()(std::size_t begin, std::size_t end) const {
    if (!report_) {
      run(begin, end);
      return why() == halt::none;
    }
    while (begin != end && why() == halt::none) {
      const std::size_t strip = strip_.load(memory_order_relaxed); // relaxed: any will do
      const std::size_t until = strip < end - begin ? begin + strip : end;
      const std::size_t ran = run(begin, until);
      begin = until;
      // relaxed, both: a count and a hint, no more
      const std::size_t done = done_.fetch_add(ran, memory_order_relaxed) + ran;
      if (done >= look_at_.load(memory_order_relaxed))
        look(done, strip);
    }
    return why() == halt::none;
  }

  /// The last report, when no thread runs the body any more. What the hook throws goes to the
  /// caller.
  [[gnu::cold]] void finish() const {
    if (report_)
      report_(state(true));
  }

  /// Whether elements were left out, and why. A hint until the loop is at rest.
  [[nodiscard]] halt why() const noexcept {
    return why_.load(memory_order_relaxed); // relaxed: seen late, an element more is asked about
  }

 private:
  /// How often the clock is looked at: seldom beside the ten microseconds of work that a thread
  /// claims at a time, often beside the time between reports.
  static constexpr std::int64_t look_every_ns = 100'000;

  /// Returns how many elements it has run; those of an exception's strip are not counted.
  [[gnu::cold]] std::size_t run(std::size_t begin, std::size_t end) const {
    if (!stop_ && !limit_.exists() && pace_ == nullptr) {
      body_(begin, end);
      return end - begin;
    }
    std::size_t i = begin;
    for (; i != end && may_start(i); ++i)
      run_one(i);
    return i - begin;
  }

  /// Who waits for a turn is told of a failure below, so that it need not wait it out.
  [[gnu::cold]] void run_one(std::size_t i) const {
    try {
      body_(i, i + 1);
    } catch (...) {
      std::size_t lowest = failed_.load(memory_order_relaxed); // relaxed, both: a hint
      while (i < lowest && !failed_.compare_exchange_weak(lowest, i, memory_order_relaxed))
        ;
      throw;
    }
  }

  /// Asked before each element: so it is only ever false when one is left out.
  [[nodiscard, gnu::cold]] bool may_start(std::size_t i) const {
    if (is_over())
      return false;
    if (pace_ == nullptr)
      return true;
    return sleep_until(pace_->take_turn(steady_ns()), [this, i] {
      return failed_.load(memory_order_relaxed) < i || is_over(); // relaxed: a hint
    });
  }

  [[nodiscard, gnu::cold]] bool is_over() const {
    if (why() != halt::none)
      return true;
    halt why = halt::none;
    if (stop_ && stop_())
      why = halt::stopped;
    else if (limit_.has_passed())
      why = halt::deadline;
    else
      return false;
    halt first = halt::none;
    why_.compare_exchange_strong(first, why, memory_order_relaxed); // relaxed: read at rest
    return true;
  }

  [[nodiscard, gnu::cold]] progress state(bool last) const noexcept {
    return {done_.load(memory_order_relaxed), total_,
            static_cast<double>(steady_ns() - start_ns_) * 1e-9, last};
  }

  /// Looks at the clock, after which so many elements may pass without a look as have taken
  /// look_every_ns, all threads together; and reports if it is time to.
  [[gnu::cold]] void look(std::size_t done, std::size_t strip) const {
    const std::uint64_t now = quick_clock::now();
    // relaxed, all: any thread's last look will do
    const double since = quick_clock::ns_between(looked_.exchange(now, memory_order_relaxed), now);
    if (since < look_every_ns / 4)
      strip = strip < total_ ? 4 * strip : strip;
    else if (since > look_every_ns && strip > 1)
      strip /= 2;
    strip_.store(strip, memory_order_relaxed);
    look_at_.store(done + strip, memory_order_relaxed);
    const auto due = [&] { // relaxed: looked at again under the lock
      return quick_clock::ns_between(reported_.load(memory_order_relaxed), now) >= report_every_ns;
    };
    if (!due())
      return;
    if (!reporting_.try_lock())
      return;
    const lock_guard lock(reporting_, adopt_lock);
    if (!due())
      return;
    reported_.store(now, memory_order_relaxed);
    report_(state(false));
  }

  const loop_body body_;
  const stop_query& stop_;
  const progress_call& report_;
  const rate_limiter* const pace_;
  const std::size_t total_;
  const std::int64_t start_ns_;
  const deadline limit_;
  mutable atomic<halt> why_{halt::none};
  mutable atomic<std::size_t> failed_{SIZE_MAX}; // the lowest element that has thrown
  mutable mutex reporting_;
  mutable atomic<std::uint64_t> reported_{quick_clock::now()}; // when, as it says
  mutable atomic<std::uint64_t> looked_{quick_clock::now()};   // likewise
  mutable atomic<std::size_t> strip_{1};   // elements that one thread runs without a look
  mutable atomic<std::size_t> look_at_{1}; // so many elements done
  alignas(64) mutable atomic<std::size_t> done_{0};
};

struct control_request {
  const controlled_body::stop_query& stop;
  std::int64_t limit_ns; // from now on
  const controlled_body::progress_call& report;
  const rate_limiter* pace; // or null
};

/// Calls run(body) with a body that ends early and reports as it is asked to, and throws when
/// elements were left out.
[[gnu::cold]] inline void run_controlled(const control_request& request, std::size_t n,
                                         const loop_body& body, const loop_runner& run) {
  const controlled_body controlled(request.stop, request.limit_ns, request.report, request.pace, n,
                                   body);
  try {
    run(loop_body(controlled));
  } catch (...) {
    try {
      controlled.finish();
    } catch (...) {
      // The element's exception is the one to tell of.
    }
    throw;
  }
  controlled.finish();
  if (controlled.why() == halt::stopped)
    throw stopped();
  if (controlled.why() == halt::deadline)
    throw deadline_exceeded();
}

/// The options that need it carry a pointer to it, so that files in which no call has any do not
/// compile it.
using controller = decltype(&run_controlled);

} // namespace detail

} // namespace parallel
