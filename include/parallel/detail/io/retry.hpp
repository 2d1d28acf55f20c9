// Repeats calls that throw: what io_map_options ask for with `retries` and `backoff`.
//
// retrying_caller is what a map calls for each element in place of the function itself. Before a
// call is repeated it waits for the backoff and for a turn of the rate, and gives up when the
// result no longer matters.
#pragma once

#include <parallel/detail/call/indexed_calls.hpp>
#include <parallel/detail/control/controlled_body.hpp>
#include <parallel/detail/control/deadline.hpp>
#include <parallel/detail/control/rate_limiter.hpp>
#include <parallel/detail/io/loop_position.hpp>
#include <parallel/detail/lite/members.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/io_map_options.hpp>
#include <parallel/random.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace parallel {

namespace detail {

/// How long to wait before the call for element i is repeated; `retry` counts the repetitions from
/// 0. In nanoseconds.
inline std::int64_t wait_ns(const backoff_time& backoff, std::size_t i, std::size_t retry) {
  const std::int64_t most = backoff.most_ns();
  std::int64_t whole = backoff.first_ns() < most ? backoff.first_ns() : most;
  random_engine random(backoff.seed() + retry, i);
  for (; retry != 0 && whole != 0 && whole != most; --retry)
    whole = whole < most / 2 ? 2 * whole : most;
  const std::int64_t half = whole / 2;
  return half + static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(half) + 1));
}

/// Types whose copies have elements of their own. (Views and iterators only refer to some.)
template <class T>
concept owns_elements = requires {
  typename T::value_type;
  requires !std::ranges::view<T> && !std::input_or_output_iterator<T>;
};

template <class T, class... Within>
constexpr bool is_copyable();

/// The members that keep a class from being copied. `Within` are the types that are being examined
/// already: a type may contain itself, inside a container.
template <class... Within>
struct not_copyable {
  template <class T>
  static constexpr bool includes = !is_copyable<T, Within...>();
};

/// Whether a T can be copied. std::copy_constructible is true of a container whose elements cannot
/// be copied, and of a class with such a member. So a container's elements are examined too, and a
/// class's members, where they can be found out (lite/members.hpp).
template <class T, class... Within>
constexpr bool is_copyable() {
  if constexpr ((std::is_same_v<T, Within> || ...))
    return true;
  else if constexpr (!std::copy_constructible<T>)
    return false;
  else if constexpr (owns_elements<T>)
    return is_copyable<std::remove_cv_t<typename T::value_type>, T, Within...>();
  else
    return !has_member<T, not_copyable<T, Within...>>();
}

/// Whether a call can be repeated with an argument X. A call that could move from its argument is
/// given a copy, so there must be one; and it must not return a reference, which might be to that
/// copy.
template <class Result, class X>
inline constexpr bool is_repeatable = std::is_lvalue_reference_v<X> ||
                                      (!std::is_reference_v<Result> &&
                                       is_copyable<std::remove_cvref_t<X>>());

/// The argument of a call that may have to be repeated: a copy, if the call could move from it.
template <class X>
decltype(auto) repeatable_argument(std::remove_reference_t<X>& x) {
  if constexpr (std::is_lvalue_reference_v<X>)
    return static_cast<X>(x);
  else
    return std::remove_cvref_t<X>(std::as_const(x));
}

/// Calls f for an element, up to `retries` times more when it throws.
template <class F>
class retrying_caller {
 public:
  /// `f` and the options must outlive it. A deadline that is a duration counts from here, and so
  /// includes the time that it takes to gather the elements. Throws std::invalid_argument where
  /// there is a backoff without retries.
  retrying_caller(const F& f, std::uint64_t seed, const io_map_options& options)
      : f_(f), seed_(seed), retries_(options.retries), backoff_(options.backoff),
        rate_(options.rate.limiter()), stop_(options.stop.query()),
        deadline_(options.deadline.ns_left()), enclosing_(loop_position::innermost()) {
    if (retries_ == 0 && backoff_.first_ns() != 0)
      throw std::invalid_argument("parallel: a backoff is given, but retries is 0");
  }

  template <class... Xs>
  decltype(auto) operator()(std::size_t i, Xs&&... xs) const {
    using result = decltype(call_for(f_, seed_, i, std::forward<Xs>(xs)...));
    if constexpr ((is_repeatable<result, Xs> && ...)) {
      for (std::size_t retry = 0; retry < retries_; ++retry) {
        try {
          return call_for(f_, seed_, i, repeatable_argument<Xs>(xs)...);
        } catch (...) {
          if (!wait(i, retry))
            throw;
        }
      }
    }
    return call_for(f_, seed_, i, std::forward<Xs>(xs)...);
  }

 private:
  /// Waits before the call for element i is repeated; false when it is not to be repeated.
  [[nodiscard]] bool wait(std::size_t i, std::size_t retry) const {
    const std::int64_t wait = wait_ns(backoff_, i, retry);
    if (deadline_.exists() && deadline_.ns_left() <= wait)
      return false;
    const auto is_over = [this] {
      return (stop_ && stop_()) || deadline_.has_passed() || is_superseded();
    };
    const deadline backed_off(wait);
    return sleep_until(backed_off.end(), is_over) &&
           (rate_ == nullptr || sleep_until(rate_->reserve_turn(steady_ns()), is_over));
  }

  /// Whether a lower element of the map's loop has failed, so that this one's result no longer
  /// matters. A map that runs as a plain loop has no position of its own: the innermost one is then
  /// that of the element around the map, whose loop is not asked.
  [[nodiscard]] bool is_superseded() const noexcept {
    const loop_position* const here = loop_position::innermost();
    return here != nullptr && here != enclosing_ && here->is_superseded();
  }

  const F& f_;
  std::uint64_t seed_;
  std::size_t retries_;
  const backoff_time& backoff_;
  const rate_limiter* rate_; // null: no limit
  const controlled_body::stop_query& stop_;
  deadline deadline_;
  const loop_position* enclosing_; // of the element around the whole map, or null
};

} // namespace detail

/// What calls f for each element of a map on an io_pool; see call/indexed_calls.hpp.
template <class F>
auto caller_for(const io_map_options& options, const F& f, std::uint64_t seed) {
  return detail::retrying_caller<F>(f, seed, options);
}

} // namespace parallel
