// What a call can be told besides its range and its function.
//
// Options are aggregates, written with designated initializers at the end of a call:
// parallel::map(xs, f, {.grain = 64, .stop = token, .deadline = 30s, .progress = bar}). Entered
// from every public header; what is done about them is in detail/control/controlled_body.hpp. What
// only calls on an io_pool can be told is in io_map_options.hpp.
#pragma once

#include <parallel/detail/control/controlled_body.hpp>
#include <parallel/detail/lite/duration.hpp>
#include <parallel/errors.hpp>
#include <parallel/executor.hpp>

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

/// A question asked before each element: is it to start at all? Never, unless it is made from
/// something with a member stop_requested(): std::stop_token, std::stop_source or the like, which
/// is copied, or a pointer to such a thing, which must outlive the call. It is asked from many
/// threads at once.
class stop_condition {
 public:
  stop_condition() = default;

  /// Keeps `source`: a std::stop_token or the like.
  template <detail::stop_source T>
  stop_condition(T source)
      : query_([source = std::move(source)] { return static_cast<bool>(source.stop_requested()); }),
        controller_(detail::run_controlled) {}

  /// Asks *source, which must outlive the call.
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

/// How long a call may start elements: for a std::chrono duration from its beginning, or until a
/// time point of any clock. None by default.
class time_limit {
 public:
  time_limit() = default;

  /// Throws std::invalid_argument, naming the value, when `time` is negative or not a number. More
  /// than 292 years are no limit.
  template <detail::duration D>
  time_limit(const D& time)
      : ns_(detail::checked_ns("the deadline", detail::in_seconds(time))),
        controller_(detail::run_controlled) {}

  /// A time point of another clock than std::chrono::steady_clock is converted now. One that has
  /// passed is no mistake: nothing is started any more.
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

  /// From now on, in nanoseconds, 0 when it has passed; detail::controlled_body::no_limit when
  /// there is none.
  [[nodiscard, gnu::cold]] std::int64_t ns_left() const noexcept {
    if (!absolute_ || ns_ == detail::controlled_body::no_limit)
      return ns_;
    const std::int64_t left = ns_ - detail::steady_ns();
    return left > 0 ? left : 0;
  }

  [[nodiscard]] detail::controller controller() const noexcept { return controller_; }

 private:
  std::int64_t ns_ =
      detail::controlled_body::no_limit; // from a call's beginning; or since the epoch:
  bool absolute_ = false;
  detail::controller controller_ = nullptr;
};

/// What is told how far a call has come: a callable that takes a `const parallel::progress&`.
///
/// Given as an lvalue, such as a progress_bar, it is referred to and must outlive the call; given
/// as an rvalue, such as a lambda expression, it is kept, and has to be copyable. Within one call
/// it is called by one thread at a time, whichever has just ended an element, ten times a second at
/// most, and once more when the call ends, in whatever way. What it throws ends the call like an
/// element's exception.
class progress_report {
 public:
  progress_report() = default;

  /// Refers to an lvalue, keeps an rvalue.
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

  /// One thread at a time calls it, so it may have a state.
  template <class F>
  struct kept {
    mutable F hook;
    void operator()(const progress& now) const { hook(now); }
  };

  detail::controlled_body::progress_call call_;
  detail::controller controller_ = nullptr;
};

/// Where the random numbers of a call begin: any integer. None by default.
class random_seed {
 public:
  random_seed() = default;

  /// Negative numbers are seeds too: each value of T is one of its own.
  template <std::integral T>
  constexpr random_seed(T value) noexcept
      : value_(static_cast<std::uint64_t>(value)), is_given_(true) {}

  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; } ///< 0 if none
  [[nodiscard]] constexpr bool is_given() const noexcept { return is_given_; }

 private:
  std::uint64_t value_ = 0;
  bool is_given_ = false;
};

/// Options of a call on a thread_pool, or on `serial`.
struct map_options {
  /// Elements that a thread claims at a time, at least 1; the end of the range may make one claim
  /// smaller, and more than 2^32 claims make all larger. 0, the default, measures the elements and
  /// sizes claims to ten microseconds, less at the start and at the end, and runs calls too small
  /// to share on the caller alone.
  std::size_t grain = 0;

  /// Once it says that a stop has been requested no more elements are started; those under way
  /// finish. If any is left out the call throws `stopped`, unless an element has thrown. Asked
  /// before each element, in a few nanoseconds.
  stop_condition stop = {};

  /// Once it has passed no more elements are started; those under way finish. If any is left out
  /// the call throws `deadline_exceeded`, unless an element has thrown. It costs a look at a
  /// clock before each element, some 10 ns. Like `stop`, it is about calls of the function: to
  /// gather the elements of a range that is not random-access, before them, is not interrupted.
  time_limit deadline = {};

  /// Is told how far the call has come.
  progress_report progress = {};

  /// For a callable that takes a `random_engine&` behind its elements (random.hpp): the numbers
  /// that element i gets depend on the seed and on i alone. 0 if none is given. With any other
  /// callable a seed is a mistake: std::invalid_argument.
  random_seed seed = {};
};

/// Options of imap and imap_unordered, on any executor.
struct imap_options {
  /// The most elements that have been taken from the source and not yet been consumed, from 1 to
  /// 1,000,000,000; any other value is a mistake: std::invalid_argument. Memory for all of them is
  /// allocated at the beginning, unless the consumer computes alone.
  std::size_t window = 64;

  /// Calls of the function under way at once, the consumer's own included. 0, the default, means as
  /// many as the executor has threads. An io_pool can have one more under way than it has threads,
  /// a thread_pool cannot; a larger number is no error, but gains nothing.
  std::size_t in_flight = 0;

  /// Once it says that a stop has been requested no more elements are started: the first one that
  /// is left out throws `stopped`, and is the last.
  stop_condition stop = {};

  /// Once it has passed no more elements are started: the first one that is left out throws
  /// `deadline_exceeded`, and is the last.
  time_limit deadline = {};

  /// Is told how many results have been consumed, on the consumer's thread, and once more at the
  /// end or when the view is destroyed. The total is progress::unknown unless the source knows its
  /// size.
  progress_report progress = {};

  /// As in map_options; i counts the elements of the source.
  random_seed seed = {};
};

namespace detail {

/// To make and destroy map_options takes longer than all else that a small call costs.
inline constexpr map_options no_map_options{};

/// The options of a call on an E that is given none.
template <class E>
constexpr decltype(auto) no_options() {
  if constexpr (std::same_as<typename E::call_options, map_options>)
    return (no_map_options);
  else
    return typename E::call_options{};
}

/// What runs a loop under the options' control; null if they ask for nothing.
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
  const rate_limiter* pace = nullptr;
  if constexpr (requires { options.rate.pace(); })
    pace = options.rate.pace();
  return {options.stop.query(), options.deadline.ns_left(), options.progress.call(), pace};
}

} // namespace detail

} // namespace parallel
