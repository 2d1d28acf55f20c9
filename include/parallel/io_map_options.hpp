// What a call on an io_pool can be told: how many calls at once, how many a second, what if one
// throws.
//
// As in options.hpp: parallel::map(io, urls, fetch, {.in_flight = 8, .rate = 20, .retries = 3}).
// Entered from io_pool.hpp; what is done about them is in detail/io/retry.hpp and
// detail/control/rate_limiter.hpp.
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

/// How long to wait before a call is made again: between half of `first` and `first` before the
/// first time, twice as long before each further one, up to `most`. Where in its half each wait
/// lies is random, so that calls that have failed together do not all come back together
/// ("equal jitter": M. Brooker, Exponential Backoff And Jitter, 2015).
class backoff_time {
 public:
  backoff_time() = default;

  /// std::chrono durations: .backoff = 100ms, or .backoff = {100ms, 10s}; without a `most` it is 64
  /// times `first`. Throws std::invalid_argument, naming the value, when one is negative or not a
  /// number.
  template <detail::duration D>
  backoff_time(const D& first)
      : backoff_time(detail::in_seconds(first), 64 * detail::in_seconds(first), {}) {}

  /// The same seed gives the same waits; without one they differ from call to call.
  template <detail::duration D, detail::duration M>
  backoff_time(const D& first, const M& most, random_seed seed = {})
      : backoff_time(detail::in_seconds(first), detail::in_seconds(most), seed) {}

  [[nodiscard]] std::int64_t first_ns() const noexcept { return first_ns_; }
  [[nodiscard]] std::int64_t most_ns() const noexcept { return most_ns_; }
  /// Where the random parts of the waits begin.
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

 private:
  [[gnu::cold]] backoff_time(double first, double most, random_seed seed)
      : first_ns_(detail::checked_ns("the backoff", first)),
        most_ns_(detail::checked_ns("the longest backoff", most)),
        seed_(seed.is_given() ? seed.value() : static_cast<std::uint64_t>(detail::steady_ns())) {}

  std::int64_t first_ns_ = 0;
  std::int64_t most_ns_ = 0;
  std::uint64_t seed_ = 0;
};

/// How many calls may be started a second: a number above 0. No limit by default.
///
/// Each start has a turn, 1/n seconds at least after the one before, and comes no sooner; turns
/// that nobody has taken are not made up for. Copies share their limit: keep one, and give it to
/// several calls, to limit them together: parallel::start_rate polite = 5;
class start_rate {
 public:
  start_rate() = default;

  /// Throws std::invalid_argument, naming the value, when it is not above 0 or not a number.
  template <class T>
  requires std::is_arithmetic_v<T> start_rate(T per_second)
      : pace_(std::make_shared<const detail::rate_limiter>(
            checked_interval_ns(static_cast<double>(per_second)))),
        controller_(detail::run_controlled) {}

  [[nodiscard]] const detail::rate_limiter* pace() const noexcept { return pace_.get(); }
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

  std::shared_ptr<const detail::rate_limiter> pace_;
  detail::controller controller_ = nullptr;
};

/// Options of a call on an io_pool.
struct io_map_options {
  /// Calls of the function under way at once, the one on the calling thread included. 0, the
  /// default, means the pool's max_threads; more than the pool's threads and the caller can run is
  /// no error, but gains nothing. Those of the operation of map_reduce count as well.
  std::size_t in_flight = 0;

  /// Calls of the function that are started a second, those that are made again included; not those
  /// of the operation of map_reduce. Up to
  /// in_flight threads wait for their turns: with a low rate choose that low, too. A turn that has
  /// come to nothing (a stop, a deadline) is lost.
  start_rate rate = {};

  /// How often an element's call is made again when it throws, whatever it throws; the last
  /// exception counts. Where a call could move from its element (an rvalue, as single-pass ranges
  /// have them) each but the last possible one gets a copy; if there can be none, it is made once.
  /// (A class that says that it can be copied must be, unless it is an aggregate, a pair, a tuple
  /// or a variant whose members tell: with a std::vector<std::unique_ptr<T>> among private members,
  /// it has to delete its copy constructor.) No call is made again once a stop is requested or when
  /// the deadline would pass before it, nor, except by try_map, once an element of a lower index
  /// has failed for good: the exception that it has thrown counts then. A wait for it ends some ten
  /// milliseconds after that.
  std::size_t retries = 0;

  /// How long to wait before that, on the thread that made the call. Not at all by default. Without
  /// retries it is a mistake: std::invalid_argument.
  backoff_time backoff = {};

  /// As in map_options. It decides what is started: a call that is under way cannot be ended from
  /// outside, so give it a time-out of its own, and have it ask whether to go on where it can.
  stop_condition stop = {};

  /// As in map_options; likewise.
  time_limit deadline = {};

  /// As in map_options.
  progress_report progress = {};

  /// As in map_options; a call that is made again gets the same numbers.
  random_seed seed = {};
};

} // namespace parallel
