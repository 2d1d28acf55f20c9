// A copyable callable of any type, kept without an allocation if it is no larger than two pointers.
// (std::function, without <functional>, which takes long to compile.) Options hold what they are
// given in it: options.hpp and pool_options.hpp.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace parallel::detail {

template <class Signature>
class small_function;

template <class R, class... Args>
class small_function<R(Args...)> {
 public:
  constexpr small_function() = default;

  template <class F>
  requires(!std::is_same_v<F, small_function>) explicit small_function(F f)
      : operations_(&of<kept<F>>) {
    ::new (static_cast<void*>(memory_)) kept<F>(std::move(f));
  }

  small_function(const small_function& other) : operations_(other.operations_) {
    if (operations_ != nullptr)
      operations_->copy(memory_, other.memory_);
  }

  small_function& operator=(const small_function& other) {
    if (this != &other) {
      small_function copy(other); // which may throw
      destroy();
      operations_ = copy.operations_;
      if (operations_ != nullptr)
        operations_->move(memory_, copy.memory_);
    }
    return *this;
  }

  constexpr ~small_function() { destroy(); }

  explicit operator bool() const noexcept { return operations_ != nullptr; }

  R operator()(Args... args) const { return operations_->call(memory_, args...); }

 private:
  static constexpr std::size_t room = 2 * sizeof(void*);

  /// What does not fit is kept elsewhere.
  template <class F>
  class elsewhere {
   public:
    explicit elsewhere(F f) : f_(new F(std::move(f))) {}
    elsewhere(const elsewhere& other) : f_(new F(*other.f_)) {}
    elsewhere(elsewhere&& other) noexcept : f_(std::exchange(other.f_, nullptr)) {}
    elsewhere& operator=(const elsewhere&) = delete;
    ~elsewhere() { delete f_; }
    R operator()(Args... args) const { return (*f_)(args...); }

   private:
    F* f_;
  };

  template <class F>
  using kept = std::conditional_t<sizeof(F) <= room && alignof(F) <= alignof(void*) &&
                                      std::is_nothrow_move_constructible_v<F>,
                                  F, elsewhere<F>>;

  struct operations {
    R (*call)(const unsigned char*, Args...);
    void (*copy)(unsigned char* to, const unsigned char* from);
    void (*move)(unsigned char* to, unsigned char* from);
    void (*destroy)(unsigned char*);
  };

  template <class F>
  static F* at(unsigned char* memory) {
    return std::launder(reinterpret_cast<F*>(memory));
  }
  template <class F>
  static const F* at(const unsigned char* memory) {
    return std::launder(reinterpret_cast<const F*>(memory));
  }

  template <class F>
  static constexpr operations of = {
      [](const unsigned char* f, Args... args) -> R { return (*at<F>(f))(args...); },
      [](unsigned char* to, const unsigned char* from) { ::new (to) F(*at<F>(from)); },
      [](unsigned char* to, unsigned char* from) { ::new (to) F(std::move(*at<F>(from))); },
      [](unsigned char* f) { at<F>(f)->~F(); }};

  constexpr void destroy() noexcept {
    if (operations_ != nullptr)
      operations_->destroy(memory_);
  }

  const operations* operations_ = nullptr;
  alignas(void*) unsigned char memory_[room] = {};
};

} // namespace parallel::detail
