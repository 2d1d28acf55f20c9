// The options of a call: chunk size, stop, deadline, progress hook, seed.
//
// Options are aggregates, written with designated initializers at the end of a call:
// parallel::map(xs, f, {.grain = 64, .stop = token, .deadline = 30s, .progress = bar}).
// detail/control/controlled_body.hpp carries them out. Calls on an io_pool have further options, in
// io_map_options.hpp.
#pragma once

#include <parallel/detail/control/controlled_body.hpp>
#include <parallel/detail/lite/duration.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/errors.hpp>
#include <parallel/executor.hpp>
#include <parallel/progress.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace parallel {

namespace detail {

template <class T>
concept stop_source = requires(const T& source) {
  { source.stop_requested() } -> std::convertible_to<bool>;
};

template <class F>
concept progress_hook = std::invocable<F&, const progress&>;

} // namespace detail

/// Whether a stop has been requested. It is made from anything with a member stop_requested(): a
/// std::stop_token, a std::stop_source, or a type of your own. By default no stop is ever
/// requested.
///
/// A call asks before each element, from many threads at once, so stop_requested() must be
/// thread-safe.
class stop_condition {
 public:
  stop_condition() = default;

  /// Keeps a copy of `source`, a std::stop_token or the like.
  template <detail::stop_source T>
  stop_condition(T source)
      : query_([source = std::move(source)] { return static_cast<bool>(source.stop_requested()); }),
        controller_(detail::run_controlled) {}

  /// Refers to *source, which must outlive the call. For types that cannot be copied.
  template <detail::stop_source T>
  stop_condition(const T* source)
      : query_([source] { return static_cast<bool>(source->stop_requested()); }),
        controller_(detail::run_controlled) {}

  [[nodiscard]] const detail::controlled_body::stop_query& query() const noexcept { return query_; }
  [[nodiscard]] detail::controller controller() const noexcept { return controller_; }

 private:
  detail::controlled_body::stop_query query_;
  detail::controller controller_ = nullptr;
};

/// How long a call may start elements: for a std::chrono duration, which counts from the beginning
/// of the call, or until a time point of any clock. There is no limit by default.
class time_limit {
 public:
  time_limit() = default;

  /// A limit of `time` for each call. More than 292 years are no limit. Throws
  /// std::invalid_argument, whose message names the value, when `time` is negative or not a number.
  template <detail::duration D>
  time_limit(const D& time)
      : ns_(detail::checked_ns("the deadline", detail::in_seconds(time))),
        controller_(detail::run_controlled) {}

  /// A limit at the time point `when`. If its clock is not std::chrono::steady_clock, it is
  /// converted now. A time point in the past is no error: no element is started then.
  template <detail::time_point T>
  time_limit(const T& when) : absolute_(true), controller_(detail::run_controlled) {
    // In floating point, which no far time overflows; exact to a microsecond.
    const double seconds = detail::in_seconds(when.time_since_epoch()) -
                           detail::in_seconds(T::clock::now().time_since_epoch());
    const std::int64_t now = detail::steady_ns();
    const std::int64_t ns = seconds > 0 ? detail::nanoseconds(seconds) : 0;
    ns_ =
        ns < detail::controlled_body::no_limit - now ? now + ns : detail::controlled_body::no_limit;
  }

  /// Nanoseconds from now to the limit; 0 when it has passed; detail::controlled_body::no_limit
  /// when there is none.
  [[nodiscard]] PARALLEL_DETAIL_COMPACT std::int64_t ns_left() const noexcept {
    if (!absolute_ || ns_ == detail::controlled_body::no_limit)
      return ns_;
    const std::int64_t left = ns_ - detail::steady_ns();
    return left > 0 ? left : 0;
  }

  [[nodiscard]] detail::controller controller() const noexcept { return controller_; }

 private:
  std::int64_t ns_ = detail::controlled_body::no_limit;
  bool absolute_ = false; // ns_ counts from the clock's epoch, not from the beginning of a call
  detail::controller controller_ = nullptr;
};

/// A progress hook: a callable that takes a `const parallel::progress&` and is told how far a call
/// has come. There is none by default.
///
/// A hook that is given as an lvalue, such as a progress_bar, is referred to and must outlive the
/// call. A hook that is given as an rvalue, such as a lambda expression, is kept and has to be
/// copyable.
///
/// Within one call, one thread at a time calls it: a thread that has just ended an element. It is
/// called at most ten times per second, and once more when the call ends, also when it ends with an
/// exception. An exception of the hook ends the call like an exception of an element.
class progress_report {
 public:
  progress_report() = default;

  /// Refers to `hook` if it is an lvalue, which must then outlive the call; keeps an rvalue.
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, progress_report> &&
           detail::progress_hook<std::remove_reference_t<F>>) progress_report(F&& hook)
      : call_(stored(std::forward<F>(hook))), controller_(detail::run_controlled) {}

  [[nodiscard]] const detail::controlled_body::progress_call& call() const noexcept {
    return call_;
  }
  [[nodiscard]] detail::controller controller() const noexcept { return controller_; }

 private:
  template <class F>
  static detail::controlled_body::progress_call stored(F&& hook) {
    if constexpr (std::is_lvalue_reference_v<F>)
      return detail::controlled_body::progress_call([&hook](const progress& now) { hook(now); });
    else
      return detail::controlled_body::progress_call(
          kept<std::remove_cvref_t<F>>{std::forward<F>(hook)});
  }

  /// A hook that is kept. One thread at a time calls it, so its call operator need not be const.
  template <class F>
  struct kept {
    mutable F hook;
    void operator()(const progress& now) const { hook(now); }
  };

  detail::controlled_body::progress_call call_;
  detail::controller controller_ = nullptr;
};

/// Where the random numbers of a call begin: any integer. No seed means seed 0.
class random_seed {
 public:
  random_seed() = default;

  /// Each value of T, negative or not, is a different seed.
  template <std::integral T>
  constexpr random_seed(T value) noexcept
      : value_(static_cast<std::uint64_t>(value)), is_given_(true) {}

  /// Returns the seed; 0 if none was given.
  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }
  [[nodiscard]] constexpr bool is_given() const noexcept { return is_given_; }

 private:
  std::uint64_t value_ = 0;
  bool is_given_ = false;
};

/// Options of a call on a thread_pool, or on `serial`.
///
/// C++ requires designated initializers in the order of declaration: grain, stop, deadline,
/// progress, seed. Each option may be left out.
struct map_options {
  /// How many consecutive elements a thread takes at once and runs: a chunk.
  ///
  /// With 0, the default, the elements are measured, and a chunk has as many elements as take ten
  /// microseconds, fewer at the start and at the end of the range. Calls that are too small to
  /// share then run on the calling thread alone.
  ///
  /// With a number from 1 on, each call of more than one chunk is shared, and each chunk has that
  /// many elements. The last one may have fewer, and all have more if there would be more than 2^32
  /// chunks. `.grain = 1` is for few elements that take long, or that the measurement misjudges:
  /// see map().
  std::size_t grain = 0;

  /// Ends the call when a stop is requested: no more elements are started, and those that run
  /// finish. If an element was left out, the call throws `stopped`, unless an element has thrown.
  /// Checked before each element, which takes a few nanoseconds.
  stop_condition stop = {};

  /// Ends the call when the time has passed: no more elements are started, and those that run
  /// finish. If an element was left out, the call throws `deadline_exceeded`, unless an element has
  /// thrown. The clock is read before each element, which takes about 10 ns.
  ///
  /// `deadline` and `stop` concern calls of the function only. Gathering the elements of a range
  /// that is not random-access, which comes first, is not interrupted.
  time_limit deadline = {};

  /// Is told how far the call has come, at most ten times per second and once at the end.
  progress_report progress = {};

  /// Where random numbers begin, for a callable that takes a `random_engine&` after its elements
  /// (random.hpp). The numbers of element i depend on the seed and on i alone. No seed means seed
  /// 0. If the callable takes no random numbers, a seed is a mistake: std::invalid_argument.
  random_seed seed = {};
};

/// Options of imap and imap_unordered, on any executor.
///
/// C++ requires designated initializers in the order of declaration: window, in_flight, stop,
/// deadline, progress, seed. Each option may be left out.
struct imap_options {
  /// The most elements that are taken from the source before their results have been consumed: from
  /// 1 to 1,000,000,000. Any other value is a mistake: std::invalid_argument. Memory for all of
  /// them is allocated at the beginning, unless the consumer computes alone.
  std::size_t window = 64;

  /// How many calls of the function run at once, the consumer's own included. 0, the default, means
  /// as many as the executor has threads. On an io_pool, one call more than it has threads can run
  /// at once, as the consumer runs calls too; on a thread_pool not. A larger number is no error,
  /// but has no effect.
  std::size_t in_flight = 0;

  /// Ends the sequence when a stop is requested: no more elements are started. The first element
  /// that was left out throws `stopped`, and is the last.
  stop_condition stop = {};

  /// Ends the sequence when the time has passed: no more elements are started. The first element
  /// that was left out throws `deadline_exceeded`, and is the last.
  time_limit deadline = {};

  /// Is told how many results have been consumed, on the consumer's thread, and once more at the
  /// end or when the view is destroyed. The total is progress::unknown unless the source knows its
  /// size.
  progress_report progress = {};

  /// Where random numbers begin: see map_options::seed. Element i is element i of the source. No
  /// seed means seed 0.
  random_seed seed = {};
};

namespace detail {

/// The options of calls that are given none: making and destroying map_options takes longer than
/// all else in a small call.
inline constexpr map_options no_map_options{};

/// The options of a call on an E that is given none: a reference, if they are map_options.
template <class E>
constexpr decltype(auto) no_options() {
  if constexpr (std::same_as<typename E::call_options, map_options>)
    return (no_map_options);
  else
    return typename E::call_options{};
}

/// The function that runs a loop as the options say; null if they change nothing in it.
template <class Options>
controller controller_of(const Options& options) noexcept {
  if constexpr (requires { options.rate.controller(); })
    if (options.rate.controller() != nullptr)
      return options.rate.controller();
  return options.stop.controller() != nullptr       ? options.stop.controller()
         : options.deadline.controller() != nullptr ? options.deadline.controller()
                                                    : options.progress.controller();
}

template <class Options>
control_request request_of(const Options& options) noexcept {
  const rate_limiter* limiter = nullptr;
  if constexpr (requires { options.rate.limiter(); })
    limiter = options.rate.limiter();
  return {options.stop.query(), options.deadline.ns_left(), options.progress.call(), limiter};
}

} // namespace detail

} // namespace parallel
