// Durations and time points as options, without <chrono>, which takes long to compile.
//
// Entered from options.hpp, io_map_options.hpp and pool_options.hpp.
#pragma once

#include <cstdint>
#include <cstdio>
#include <parallel/detail/lite/invalid_argument.hpp>

namespace parallel::detail {

/// std::chrono::duration.
template <class T>
concept duration = requires(const T& time) {
  typename T::rep;
  T::period::num;
  T::period::den;
  static_cast<double>(time.count());
};

/// std::chrono::time_point.
template <class T>
concept time_point = requires(const T& when) {
  { when.time_since_epoch() } -> duration;
  { T::clock::now().time_since_epoch() } -> duration;
};

template <duration D>
double in_seconds(const D& time) {
  return static_cast<double>(time.count()) * D::period::num / D::period::den;
}

/// More than 292 years are no limit.
inline std::int64_t nanoseconds(double seconds) noexcept {
  return seconds < 9.2e9 ? static_cast<std::int64_t>(seconds * 1e9) : INT64_MAX;
}

[[noreturn, gnu::cold]] inline void refuse_time(const char* what, double seconds) {
  char message[96];
  std::snprintf(message, sizeof message, "parallel: %s is %g s, must not be negative", what,
                seconds);
  throw_invalid_argument(message);
}

/// `what` is what the time is for, in the message of the exception if it is negative or no number.
inline std::int64_t checked_ns(const char* what, double seconds) {
  if (!(seconds >= 0))
    refuse_time(what, seconds);
  return nanoseconds(seconds);
}

} // namespace parallel::detail
