// Options of a call on an io_pool: how many calls at once, how many a second, and what happens when
// one throws.
//
// parallel::map(io, urls, fetch, {.in_flight = 8, .rate = 20, .retries = 3}). Retries are carried
// out by detail/io/retry.hpp, the rate by detail/control/rate_limiter.hpp.
#pragma once

#include <parallel/detail/control/controlled_body.hpp>
#include <parallel/detail/control/rate_limiter.hpp>
#include <parallel/detail/lite/duration.hpp>
#include <parallel/detail/lite/invalid_argument.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/options.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <type_traits>

namespace parallel {

/// How long to wait before a call that has thrown is repeated: exponential backoff with equal
/// jitter (M. Brooker, Exponential Backoff And Jitter, 2015).
///
/// The wait before the first repetition is between half of `first` and `first`. Each further wait
/// is twice as long, until it is between half of `most` and `most`. Where in its half a wait lies
/// is random, so that calls that have failed together are not all repeated together.
class backoff_time {
 public:
  /// No waits.
  backoff_time() = default;

  /// From one std::chrono duration, as in .backoff = 100ms; `most` is 64 times `first`. Throws
  /// std::invalid_argument, naming the value, when it is negative or not a number.
  template <detail::duration D>
  backoff_time(const D& first)
      : backoff_time(detail::in_seconds(first), 64 * detail::in_seconds(first), {}) {}

  /// From two std::chrono durations, as in .backoff = {100ms, 10s}. The same seed gives the same
  /// waits; without a seed they differ from call to call. Throws std::invalid_argument, naming the
  /// value, when a duration is negative or not a number.
  template <detail::duration D, detail::duration M>
  backoff_time(const D& first, const M& most, random_seed seed = {})
      : backoff_time(detail::in_seconds(first), detail::in_seconds(most), seed) {}

  /// `first` in nanoseconds.
  [[nodiscard]] std::int64_t first_ns() const noexcept { return first_ns_; }
  /// `most` in nanoseconds.
  [[nodiscard]] std::int64_t most_ns() const noexcept { return most_ns_; }
  /// The seed of the waits' random parts; chosen when this was made, if none was given.
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

 private:
  backoff_time(double first, double most, random_seed seed)
      : first_ns_(detail::checked_ns("the backoff", first)),
        most_ns_(detail::checked_ns("the longest backoff", most)),
        seed_(seed.is_given() ? seed.value() : static_cast<std::uint64_t>(detail::steady_ns())) {}

  std::int64_t first_ns_ = 0;
  std::int64_t most_ns_ = 0;
  std::uint64_t seed_ = 0;
};

/// How many calls may be started per second: a number above 0. No limit by default.
///
/// With n calls per second, the starts are at least 1/n seconds apart. A pause does not allow for a
/// burst after it. Copies share their limit: keep one, and give it to several calls, to limit them
/// together: parallel::start_rate polite = 5;
class start_rate {
 public:
  /// No limit.
  start_rate() = default;

  /// From any number type, in calls per second. Throws std::invalid_argument, naming the value,
  /// when it is not above 0 or not a number; or std::bad_alloc.
  template <class T>
  requires std::is_arithmetic_v<T> start_rate(T per_second)
      : limiter_(std::make_shared<const detail::rate_limiter>(
            checked_interval_ns(static_cast<double>(per_second)))),
        controller_(detail::run_controlled) {}

  [[nodiscard]] const detail::rate_limiter* limiter() const noexcept { return limiter_.get(); }
  [[nodiscard]] detail::controller controller() const noexcept { return controller_; }

 private:
  static std::int64_t checked_interval_ns(double per_second) {
    if (!(per_second > 0))
      refuse(per_second);
    const std::int64_t whole = detail::nanoseconds(1 / per_second);
    return whole < INT64_MAX ? whole + 1 : whole; // rounded up
  }

  [[noreturn, gnu::cold]] static void refuse(double per_second) {
    char message[96];
    std::snprintf(message, sizeof message,
                  "parallel: the rate is %g starts a second, must be above 0", per_second);
    detail::throw_invalid_argument(message);
  }

  std::shared_ptr<const detail::rate_limiter> limiter_;
  detail::controller controller_ = nullptr;
};

/// Options of a call on an io_pool.
struct io_map_options {
  /// How many calls of the function are under way at once, including the one on the calling thread.
  /// Calls of the operation of map_reduce count as well. 0, the default, means the pool's
  /// max_threads. A number above what the pool's threads and the caller can run is no error, but
  /// gains nothing.
  std::size_t in_flight = 0;

  /// How many calls of the function are started per second, counting repeated calls, but not calls
  /// of the operation of map_reduce. Up to in_flight threads wait for their turns, so with a low
  /// rate choose a low in_flight, too. A turn whose call is then not made, because of a stop or a
  /// deadline, is lost.
  start_rate rate = {};

  /// How often the call for an element is repeated when it throws, whatever it throws. If the last
  /// call throws too, the element has failed for good, with the last exception.
  ///
  /// A call is not repeated
  /// - once a stop has been requested;
  /// - when the deadline would pass before the repetition;
  /// - once an element of a lower index has failed for good, as that one's exception is then the
  ///   result of the whole call; try_map repeats all the same.
  ///
  /// A wait before a repetition ends within some ten milliseconds of one of these.
  ///
  /// If a call could move from its element (an rvalue, as single-pass ranges have them), every call
  /// but the last possible one gets a copy of it. If the element cannot be copied, or the function
  /// returns a reference, the call is made once. A class with a std::vector<std::unique_ptr<T>>
  /// among its private members counts as copyable, although its copy does not compile: it has to
  /// delete its copy constructor. (In an aggregate, a pair, a tuple or a variant such members are
  /// found.)
  std::size_t retries = 0;

  /// How long the thread that made a call waits before it repeats the call; by default not at all.
  /// With retries = 0 a backoff is a mistake: std::invalid_argument.
  backoff_time backoff = {};

  /// As in map_options: once a stop has been requested, no more calls are started. A call that is
  /// under way cannot be ended from outside: give it a time-out of its own, and let it check the
  /// stop itself where it can.
  stop_condition stop = {};

  /// As in map_options: once it has passed, no more calls are started. A call that is under way is
  /// not ended.
  time_limit deadline = {};

  /// As in map_options.
  progress_report progress = {};

  /// As in map_options. A call that is repeated gets the same random numbers again.
  random_seed seed = {};
};

} // namespace parallel
