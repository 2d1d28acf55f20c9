// Calls that are made again when they throw: what io_map_options ask for with `retries`.
//
// Entered from call/indexed_calls.hpp, for options that bring a caller of their own, by way of
// io_pool.hpp.
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

/// How long to wait before element i is called again, for the `again`th time, counted from 0.
inline std::int64_t wait_ns(const backoff_time& backoff, std::size_t i, std::size_t again) {
  const std::int64_t most = backoff.most_ns();
  std::int64_t whole = backoff.first_ns() < most ? backoff.first_ns() : most;
  random_engine random(backoff.seed() + again, i);
  for (; again != 0 && whole != 0 && whole != most; --again)
    whole = whole < most / 2 ? 2 * whole : most;
  const std::int64_t half = whole / 2;
  return half + static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(half) + 1));
}

/// Types with elements that are copied with them. (Views and iterators only refer to some.)
template <class T>
concept owns_elements = requires {
  typename T::value_type;
  requires !std::ranges::view<T> && !std::input_or_output_iterator<T>;
};

template <class T, class... Within>
constexpr bool is_copyable();

/// The members that keep a class from being copied. `Within` are the types that are looked into
/// already: one may contain itself, by way of a container.
template <class... Within>
struct not_copyable {
  template <class T>
  static constexpr bool includes = !is_copyable<T, Within...>();
};

/// Whether a T can be copied. A container says that it can even if its elements cannot, and so does
/// a class of which it is a member: of containers the elements are asked, and of classes the
/// members, where they can be found out (lite/members.hpp).
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

/// Whether a call can be made again with an argument X: not if it could move from it, unless it can
/// be given a copy; which is no use to a call that may return a reference to it.
template <class Result, class X>
inline constexpr bool is_repeatable = std::is_lvalue_reference_v<X> ||
                                      (!std::is_reference_v<Result> &&
                                       is_copyable<std::remove_cvref_t<X>>());

/// An argument for a call that may not be the last: a copy of what the call could move from.
template <class X>
decltype(auto) repeated(std::remove_reference_t<X>& x) {
  if constexpr (std::is_lvalue_reference_v<X>)
    return static_cast<X>(x);
  else
    return std::remove_cvref_t<X>(std::as_const(x));
}

template <class F>
class retrying_caller {
 public:
  /// The options must outlive it. A duration as deadline counts from here, and so includes the time
  /// that it takes to gather the elements.
  retrying_caller(const F& f, std::uint64_t seed, const io_map_options& options)
      : f_(f), seed_(seed), retries_(options.retries), backoff_(options.backoff),
        pace_(options.rate.pace()), stop_(options.stop.query()), limit_(options.deadline.ns_left()),
        around_(loop_position::innermost()) {
    if (retries_ == 0 && backoff_.first_ns() != 0)
      throw std::invalid_argument("parallel: a backoff is given, but retries is 0");
  }

  template <class... Xs>
  decltype(auto) operator()(std::size_t i, Xs&&... xs) const {
    using result = decltype(call_for(f_, seed_, i, std::forward<Xs>(xs)...));
    if constexpr ((is_repeatable<result, Xs> && ...)) {
      for (std::size_t again = 0; again < retries_; ++again) {
        try {
          return call_for(f_, seed_, i, repeated<Xs>(xs)...);
        } catch (...) {
          if (!wait(i, again))
            throw;
        }
      }
    }
    return call_for(f_, seed_, i, std::forward<Xs>(xs)...);
  }

 private:
  /// Waits before a call is made again; false when it is not to be.
  [[nodiscard]] bool wait(std::size_t i, std::size_t again) const {
    const std::int64_t wait = wait_ns(backoff_, i, again);
    if (limit_.exists() && limit_.ns_left() <= wait)
      return false;
    const auto is_over = [this] {
      return (stop_ && stop_()) || limit_.has_passed() || is_in_vain();
    };
    const deadline backed_off(wait);
    return sleep_until(backed_off.end(), is_over) &&
           (pace_ == nullptr || sleep_until(pace_->take_turn(steady_ns()), is_over));
  }

  /// Whether the loop has failed at a lower element. (The loop may be a plain one, to which belongs
  /// no position: the innermost one is then that around the call.)
  [[nodiscard]] bool is_in_vain() const noexcept {
    const loop_position* const here = loop_position::innermost();
    return here != nullptr && here != around_ && here->is_in_vain();
  }

  const F& f_;
  std::uint64_t seed_;
  std::size_t retries_;
  const backoff_time& backoff_;
  const rate_limiter* pace_;
  const controlled_body::stop_query& stop_;
  deadline limit_;
  const loop_position* around_; // the whole call
};

} // namespace detail

/// How the calls of a map on an io_pool are made; see call/indexed_calls.hpp.
template <class F>
auto caller_for(const io_map_options& options, const F& f, std::uint64_t seed) {
  return detail::retrying_caller<F>(f, seed, options);
}

} // namespace parallel
