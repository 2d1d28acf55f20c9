// Durations and time points as option values, without <chrono>.
//
// The concepts recognise the types of std::chrono by their members, so that only callers that use
// such types need to include <chrono>.
#pragma once

#include <parallel/detail/lite/invalid_argument.hpp>

#include <cstdint>
#include <cstdio>

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

/// Converts seconds to nanoseconds. More than 292 years do not fit and become INT64_MAX, which
/// means no limit.
inline std::int64_t nanoseconds(double seconds) noexcept {
  return seconds < 9.2e9 ? static_cast<std::int64_t>(seconds * 1e9) : INT64_MAX;
}

[[noreturn, gnu::cold]] inline void throw_negative_time(const char* what, double seconds) {
  char message[96];
  std::snprintf(message, sizeof message, "parallel: %s is %g s, must not be negative", what,
                seconds);
  throw_invalid_argument(message);
}

/// Converts seconds to nanoseconds. Throws std::invalid_argument, with `what` in its message, if
/// `seconds` is negative or not a number.
inline std::int64_t checked_ns(const char* what, double seconds) {
  if (!(seconds >= 0))
    throw_negative_time(what, seconds);
  return nanoseconds(seconds);
}

} // namespace parallel::detail
