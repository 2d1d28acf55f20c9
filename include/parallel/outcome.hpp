// The outcome of one element of try_map: a value, an exception, or that the element was not run.
//
// The interface is that of std::expected (C++23), with a std::exception_ptr as the error.
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

/// How an element ended: the part of an outcome that does not depend on the type of the value.
class ending {
 public:
  /// Returns whether the element was started. It was not, if the call was ended before.
  [[nodiscard]] bool has_run() const noexcept { return has_run_; }

  /// Returns the element's exception. If the element was not run, it is the `stopped` or
  /// `deadline_exceeded` that ended the call. Null if there is a value, or if the outcome was made
  /// without an error.
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
      throw stopped(); // an outcome that no call has made: as if the call had been stopped at once
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

/// An outcome<T> that has ended like `other`, which has no value.
template <class T>
outcome<T> without_value(const ending& other) noexcept {
  return other.has_run() ? outcome<T>::failed(other.error()) : outcome<T>::not_run(other.error());
}

/// std::invoke with one argument. Unlike call(), it accepts an f whose call operator is not const.
template <class F, class X>
decltype(auto) call_once(F& f, X&& x) {
  if constexpr (std::is_member_pointer_v<F>)
    return detail::call(f, std::forward<X>(x));
  else
    return f(std::forward<X>(x));
}

/// The outcome of make(): a value.
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

/// The outcome of one element whose callable returns a T: a value, an exception, or not run. An
/// outcome that is made by default is one of an element that was not run.
///
/// Two more members say why there is no value. has_run() returns false if the element was never
/// started. error() returns the std::exception_ptr of the element or, if it was not run, of the
/// `stopped` or `deadline_exceeded` that ended the call; it is null if there is a value.
///
/// Members that are const may be called on many threads at once; like any value, an outcome must
/// not be changed meanwhile.
template <class T>
class [[nodiscard]] outcome : public detail::ending {
 public:
  /// What the callable returns, without reference and const.
  using value_type = T;

  outcome() = default;

  /// An outcome with a value, made from `arguments`.
  template <class... Arguments>
  explicit outcome(std::in_place_t, Arguments&&... arguments)
      : ending(true, nullptr), value_(std::in_place, std::forward<Arguments>(arguments)...) {}

  /// Returns the outcome of an element that has thrown `error`.
  static outcome failed(std::exception_ptr error) noexcept { return {true, std::move(error)}; }

  /// Returns the outcome of an element that was not run because of `why`.
  static outcome not_run(std::exception_ptr why) noexcept { return {false, std::move(why)}; }

  /// Replaces the outcome by a value made from `arguments`, and returns the value. T need not be
  /// assignable. If its constructor throws, the outcome is one of an element that was not run.
  template <class... Arguments>
  T& emplace(Arguments&&... arguments) {
    reset();
    T& made = value_.emplace(std::forward<Arguments>(arguments)...);
    set(true, nullptr);
    return made;
  }

  /// Replaces the outcome by that of an element that has thrown `error`. Destroys the value, if
  /// any.
  void set_failed(std::exception_ptr error) noexcept {
    value_.reset();
    set(true, std::move(error));
  }

  /// Replaces the outcome by that of an element that was not run because of `why`. Destroys the
  /// value, if any.
  void set_not_run(std::exception_ptr why) noexcept {
    value_.reset();
    set(false, std::move(why));
  }

  /// Replaces the outcome by one that is made by default: not run, without an error. Destroys the
  /// value, if any.
  void reset() noexcept { set_not_run(nullptr); }

  /// Returns whether the element has run and has thrown nothing.
  [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); } ///< The same as has_value().

  /// Returns the value. If there is none, throws error(): the element's exception, or what ended
  /// the call before the element. Throws `stopped` if the error is null.
  [[nodiscard]] T& value() & { return has_value() ? *value_ : (rethrow(), *value_); }
  /// Returns the value of a const outcome, or throws error().
  [[nodiscard]] const T& value() const& { return has_value() ? *value_ : (rethrow(), *value_); }
  /// Returns the value of an rvalue, to be moved from, or throws error().
  [[nodiscard]] T&& value() && { return std::move(value()); }

  /// Returns a copy of the value; `other`, converted to T, if there is none.
  template <class U>
  [[nodiscard]] T value_or(U&& other) const& {
    return has_value() ? *value_ : static_cast<T>(std::forward<U>(other));
  }
  /// Returns the value of an rvalue, moved; `other`, converted to T, if there is none.
  template <class U>
  [[nodiscard]] T value_or(U&& other) && {
    return has_value() ? std::move(*value_) : static_cast<T>(std::forward<U>(other));
  }

  /// Returns an outcome with the value f(value). Without a value, returns an outcome that failed or
  /// was not run like this one. Exceptions of f are passed on.
  template <class F>
  auto transform(F&& f) & {
    return transformed(*this, f);
  }
  /// transform() of a const outcome: f gets a const value.
  template <class F>
  auto transform(F&& f) const& {
    return transformed(*this, f);
  }
  /// transform() of an rvalue: f gets the value to move from.
  template <class F>
  auto transform(F&& f) && {
    return transformed(std::move(*this), f);
  }

  /// Returns f(value), which is an outcome itself. Without a value, returns an outcome that failed
  /// or was not run like this one. Exceptions of f are passed on.
  template <class F>
  auto and_then(F&& f) & {
    return chained(*this, f);
  }
  /// and_then() of a const outcome: f gets a const value.
  template <class F>
  auto and_then(F&& f) const& {
    return chained(*this, f);
  }
  /// and_then() of an rvalue: f gets the value to move from.
  template <class F>
  auto and_then(F&& f) && {
    return chained(std::move(*this), f);
  }

  /// Returns a copy of this outcome if it has a value. Without one, returns f(error()), an outcome
  /// of the same type. Exceptions of f are passed on.
  template <class F>
  [[nodiscard]] outcome or_else(F&& f) const& {
    return has_value() ? *this : f(error());
  }
  /// or_else() of an rvalue, which is moved if it has a value.
  template <class F>
  [[nodiscard]] outcome or_else(F&& f) && {
    return has_value() ? std::move(*this) : f(error());
  }

  /// Returns the value, which must exist: see has_value().
  [[nodiscard]] T& operator*() & noexcept { return *value_; }
  /// Returns the value of a const outcome, which must exist.
  [[nodiscard]] const T& operator*() const& noexcept { return *value_; }
  /// Returns the value of an rvalue, which must exist, to be moved from.
  [[nodiscard]] T&& operator*() && noexcept { return std::move(*value_); }
  /// Accesses a member of the value, which must exist.
  [[nodiscard]] T* operator->() noexcept { return &*value_; }
  /// Accesses a member of the value of a const outcome, which must exist.
  [[nodiscard]] const T* operator->() const noexcept { return &*value_; }

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

/// The outcome of one element whose callable returns nothing: it has run, it has thrown, or it was
/// not run.
template <>
class [[nodiscard]] outcome<void> : public detail::ending {
 public:
  /// What the callable returns: nothing.
  using value_type = void;

  outcome() = default;

  /// The outcome of an element that has run and thrown nothing.
  explicit outcome(std::in_place_t) noexcept : ending(true, nullptr) {}

  /// Returns the outcome of an element that has thrown `error`.
  static outcome failed(std::exception_ptr error) noexcept { return {true, std::move(error)}; }

  /// Returns the outcome of an element that was not run because of `why`.
  static outcome not_run(std::exception_ptr why) noexcept { return {false, std::move(why)}; }

  /// Replaces the outcome by that of an element that has run and thrown nothing.
  void emplace() noexcept { set(true, nullptr); }

  /// Replaces the outcome by that of an element that has thrown `error`.
  void set_failed(std::exception_ptr error) noexcept { set(true, std::move(error)); }

  /// Replaces the outcome by that of an element that was not run because of `why`.
  void set_not_run(std::exception_ptr why) noexcept { set(false, std::move(why)); }

  /// Returns whether the element has run and has thrown nothing.
  [[nodiscard]] bool has_value() const noexcept { return has_run() && error() == nullptr; }
  explicit operator bool() const noexcept { return has_value(); } ///< The same as has_value().

  /// Returns an outcome with the value f(). If the element has thrown or was not run, returns an
  /// outcome that failed or was not run like this one. Exceptions of f are passed on.
  template <class F>
  auto transform(F&& f) const {
    const auto call = [&] { return f(); };
    using made = decltype(detail::outcome_of(call));
    return has_value() ? detail::outcome_of(call)
                       : detail::without_value<typename made::value_type>(*this);
  }

  /// Returns f(), which is an outcome itself. If the element has thrown or was not run, returns an
  /// outcome that failed or was not run like this one. Exceptions of f are passed on.
  template <class F>
  auto and_then(F&& f) const {
    using made = std::remove_cvref_t<decltype(f())>;
    static_assert(detail::is_outcome<made>, "parallel::outcome: and_then() is for functions that "
                                            "return an outcome; for others there is transform().");
    return has_value() ? f() : detail::without_value<typename made::value_type>(*this);
  }

  /// Returns a copy of this outcome if the element has run and thrown nothing. Else returns
  /// f(error()), an outcome<void>. Exceptions of f are passed on.
  template <class F>
  [[nodiscard]] outcome or_else(F&& f) const {
    return has_value() ? *this : f(error());
  }

  /// Returns nothing if the element has run and thrown nothing. Else throws error(): the element's
  /// exception, or what ended the call before the element. Throws `stopped` if the error is null.
  void value() const {
    if (!has_value())
      rethrow();
  }

 private:
  outcome(bool has_run, std::exception_ptr error) noexcept : ending(has_run, std::move(error)) {}
};

} // namespace parallel
