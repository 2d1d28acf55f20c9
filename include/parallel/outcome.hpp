// What has become of one element of try_map: a value, an exception, or nothing, as it was not run.
//
// The interface is that of std::expected (C++23) with std::exception_ptr for its error. Entered
// from map.hpp, and from detail/stream/window.hpp, which keeps results in it until they are
// consumed.
#pragma once

#include <parallel/detail/call/indexed_calls.hpp>
#include <parallel/errors.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace parallel {

template <class T>
class outcome;

namespace detail {

/// How an element ended, whatever it returns.
class ending {
 public:
  /// False when the element was never started: the call was ended before.
  [[nodiscard]] bool has_run() const noexcept { return has_run_; }

  /// The element's exception or, if it was not run, a `stopped` or `deadline_exceeded`, whichever
  /// ended the call; null if there is a value, and in an outcome that comes from no call.
  [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

 protected:
  ending() = default;
  ending(bool has_run, std::exception_ptr error) noexcept
      : has_run_(has_run), error_(std::move(error)) {}

  void set(bool has_run, std::exception_ptr error) noexcept {
    has_run_ = has_run;
    error_ = std::move(error);
  }

  [[noreturn]] void rethrow() const {
    if (error_ == nullptr)
      throw stopped(); // made by no call: it is as if one had been stopped at once
    std::rethrow_exception(error_);
  }

 private:
  bool has_run_ = false;
  std::exception_ptr error_;
};

template <class T>
inline constexpr bool is_outcome = false;
template <class T>
inline constexpr bool is_outcome<outcome<T>> = true;

/// An outcome<T> that has ended as `other`, which has no value.
template <class T>
outcome<T> without_value(const ending& other) noexcept {
  return other.has_run() ? outcome<T>::failed(other.error()) : outcome<T>::not_run(other.error());
}

/// std::invoke with one argument; unlike call(), also for an f that changes.
template <class F, class X>
decltype(auto) call_once(F& f, X&& x) {
  if constexpr (std::is_member_pointer_v<F>)
    return detail::call(f, std::forward<X>(x));
  else
    return f(std::forward<X>(x));
}

/// make(), as an outcome.
template <class Make>
auto outcome_of(const Make& make) {
  using result = std::remove_cvref_t<decltype(make())>;
  if constexpr (std::is_void_v<result>) {
    make();
    return outcome<result>(std::in_place);
  } else {
    return outcome<result>(std::in_place, make());
  }
}

} // namespace detail

/// The outcome of one element whose callable returns a T. Not run, when made by default.
///
/// Besides what stands here it has two members that tell apart why there is no value: has_run() is
/// false when the element was never started; error() is the std::exception_ptr of the element or,
/// if it was not run, of a `stopped` or `deadline_exceeded`, null if there is a value. Not
/// thread-safe, like any value.
template <class T>
class [[nodiscard]] outcome : public detail::ending {
 public:
  /// What the callable returns.
  using value_type = T;

  outcome() = default;

  /// A value made from `arguments`.
  template <class... Arguments>
  explicit outcome(std::in_place_t, Arguments&&... arguments)
      : ending(true, nullptr), value_(std::in_place, std::forward<Arguments>(arguments)...) {}

  /// One that has run and has thrown `error`.
  static outcome failed(std::exception_ptr error) noexcept { return {true, std::move(error)}; }

  /// One that has not run because of `why`.
  static outcome not_run(std::exception_ptr why) noexcept { return {false, std::move(why)}; }

  /// Makes a value in the place of what was there. T need not be assignable. If it throws, there is
  /// nothing.
  template <class... Arguments>
  T& emplace(Arguments&&... arguments) {
    reset();
    T& made = value_.emplace(std::forward<Arguments>(arguments)...);
    set(true, nullptr);
    return made;
  }

  /// Makes it one that has run and has thrown `error`; a value that it had is destroyed.
  void set_failed(std::exception_ptr error) noexcept {
    value_.reset();
    set(true, std::move(error));
  }

  /// Makes it one that has not run because of `why`; likewise.
  void set_not_run(std::exception_ptr why) noexcept {
    value_.reset();
    set(false, std::move(why));
  }

  /// Makes it one that comes from no call; likewise.
  void reset() noexcept { set_not_run(nullptr); }

  /// True when the element has run and thrown nothing.
  [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); } ///< has_value()

  /// The value; rethrows the element's exception, or throws what has ended the call before it.
  [[nodiscard]] T& value() & { return has_value() ? *value_ : (rethrow(), *value_); }
  /// Likewise.
  [[nodiscard]] const T& value() const& { return has_value() ? *value_ : (rethrow(), *value_); }
  /// Likewise, to be moved from.
  [[nodiscard]] T&& value() && { return std::move(value()); }

  /// The value, if there is one; else `other`.
  template <class U>
  [[nodiscard]] T value_or(U&& other) const& {
    return has_value() ? *value_ : static_cast<T>(std::forward<U>(other));
  }
  /// Likewise, moved.
  template <class U>
  [[nodiscard]] T value_or(U&& other) && {
    return has_value() ? std::move(*value_) : static_cast<T>(std::forward<U>(other));
  }

  /// The outcome of f(value), or else what this one is without a value. What f throws is thrown.
  template <class F>
  auto transform(F&& f) & {
    return transformed(*this, f);
  }
  /// The same for one that is const.
  template <class F>
  auto transform(F&& f) const& {
    return transformed(*this, f);
  }
  /// The same for an rvalue: f gets the value to move from.
  template <class F>
  auto transform(F&& f) && {
    return transformed(std::move(*this), f);
  }

  /// f(value), which is an outcome itself, or else what this one is without a value. What f throws
  /// is thrown.
  template <class F>
  auto and_then(F&& f) & {
    return chained(*this, f);
  }
  /// The same for one that is const.
  template <class F>
  auto and_then(F&& f) const& {
    return chained(*this, f);
  }
  /// The same for an rvalue: f gets the value to move from.
  template <class F>
  auto and_then(F&& f) && {
    return chained(std::move(*this), f);
  }

  /// This one, if it has a value; else f(error()), an outcome of the same type.
  template <class F>
  [[nodiscard]] outcome or_else(F&& f) const& {
    return has_value() ? *this : f(error());
  }
  /// Likewise, moved.
  template <class F>
  [[nodiscard]] outcome or_else(F&& f) && {
    return has_value() ? std::move(*this) : f(error());
  }

  /// The value, which must exist.
  [[nodiscard]] T& operator*() & noexcept { return *value_; }
  [[nodiscard]] const T& operator*() const& noexcept { return *value_; }   ///< likewise
  [[nodiscard]] T&& operator*() && noexcept { return std::move(*value_); } ///< likewise
  [[nodiscard]] T* operator->() noexcept { return &*value_; }              ///< its members
  [[nodiscard]] const T* operator->() const noexcept { return &*value_; }  ///< likewise

 private:
  outcome(bool has_run, std::exception_ptr error) noexcept : ending(has_run, std::move(error)) {}

  template <class Self, class F>
  static auto transformed(Self&& self, F& f) {
    const auto call = [&] { return detail::call_once(f, *std::forward<Self>(self)); };
    using made = decltype(detail::outcome_of(call));
    return self.has_value() ? detail::outcome_of(call)
                            : detail::without_value<typename made::value_type>(self);
  }

  template <class Self, class F>
  static auto chained(Self&& self, F& f) {
    using made = std::remove_cvref_t<decltype(detail::call_once(f, *std::forward<Self>(self)))>;
    static_assert(detail::is_outcome<made>, "parallel::outcome: and_then() is for functions that "
                                            "return an outcome; for others there is transform().");
    if constexpr (detail::is_outcome<made>)
      return self.has_value() ? detail::call_once(f, *std::forward<Self>(self))
                              : detail::without_value<typename made::value_type>(self);
  }

  std::optional<T> value_;
};

/// The outcome of one element whose callable returns nothing.
template <>
class [[nodiscard]] outcome<void> : public detail::ending {
 public:
  /// What the callable returns.
  using value_type = void;

  outcome() = default;

  /// One that has run and thrown nothing.
  explicit outcome(std::in_place_t) noexcept : ending(true, nullptr) {}

  /// One that has run and has thrown `error`.
  static outcome failed(std::exception_ptr error) noexcept { return {true, std::move(error)}; }

  /// One that has not run because of `why`.
  static outcome not_run(std::exception_ptr why) noexcept { return {false, std::move(why)}; }

  /// Makes it one that has run and thrown nothing.
  void emplace() noexcept { set(true, nullptr); }

  /// Makes it one that has run and has thrown `error`.
  void set_failed(std::exception_ptr error) noexcept { set(true, std::move(error)); }

  /// Makes it one that has not run because of `why`.
  void set_not_run(std::exception_ptr why) noexcept { set(false, std::move(why)); }

  /// True when the element has run and thrown nothing.
  [[nodiscard]] bool has_value() const noexcept { return has_run() && error() == nullptr; }
  explicit operator bool() const noexcept { return has_value(); } ///< has_value()

  /// The outcome of f(), or else what this one is without a value. What f throws is thrown.
  template <class F>
  auto transform(F&& f) const {
    const auto call = [&] { return f(); };
    using made = decltype(detail::outcome_of(call));
    return has_value() ? detail::outcome_of(call)
                       : detail::without_value<typename made::value_type>(*this);
  }

  /// f(), which is an outcome itself, or else what this one is without a value.
  template <class F>
  auto and_then(F&& f) const {
    using made = std::remove_cvref_t<decltype(f())>;
    static_assert(detail::is_outcome<made>, "parallel::outcome: and_then() is for functions that "
                                            "return an outcome; for others there is transform().");
    return has_value() ? f() : detail::without_value<typename made::value_type>(*this);
  }

  /// This one, if nothing was thrown; else f(error()), an outcome<void>.
  template <class F>
  [[nodiscard]] outcome or_else(F&& f) const {
    return has_value() ? *this : f(error());
  }

  /// Rethrows the element's exception, or throws what has ended the call before it; else nothing.
  void value() const {
    if (!has_value())
      rethrow();
  }

 private:
  outcome(bool has_run, std::exception_ptr error) noexcept : ending(has_run, std::move(error)) {}
};

} // namespace parallel
