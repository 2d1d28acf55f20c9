// A copyable callable whose type is erased: std::function without <functional>.
//
// Options store stop conditions, progress hooks and the like in it. A callable of up to two
// pointers in size is stored inside, without an allocation.
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
      : operations_(&of<stored<F>>) {
    ::new (static_cast<void*>(memory_)) stored<F>(std::move(f));
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
  static constexpr std::size_t inline_bytes = 2 * sizeof(void*);

  /// A callable that does not fit inside: a pointer to it on the heap.
  template <class F>
  class on_heap {
   public:
    explicit on_heap(F f) : f_(new F(std::move(f))) {}
    on_heap(const on_heap& other) : f_(new F(*other.f_)) {}
    on_heap(on_heap&& other) noexcept : f_(std::exchange(other.f_, nullptr)) {}
    on_heap& operator=(const on_heap&) = delete;
    ~on_heap() { delete f_; }
    R operator()(Args... args) const { return (*f_)(args...); }

   private:
    F* f_;
  };

  template <class F>
  using stored = std::conditional_t<sizeof(F) <= inline_bytes && alignof(F) <= alignof(void*) &&
                                        std::is_nothrow_move_constructible_v<F>,
                                    F, on_heap<F>>;

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
  alignas(void*) unsigned char memory_[inline_bytes] = {};
};

} // namespace parallel::detail
