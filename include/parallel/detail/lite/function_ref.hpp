// A reference to a callable whose type is erased, as C++26's std::function_ref.
//
// Code that takes a function_ref is compiled once, not once for each callable. A call through it
// costs one indirect call.
#pragma once

namespace parallel::detail {

template <class Signature>
class function_ref;

/// Refers to a callable, which must outlive it. Empty by default; an empty one must not be called.
template <class R, class... Args>
class function_ref<R(Args...)> {
 public:
  constexpr function_ref() = default;

  template <class F>
  explicit function_ref(const F& f) noexcept
      : function_ref(&f, [](const void* erased, Args... args) -> R {
          return (*static_cast<const F*>(erased))(args...);
        }) {}

  R operator()(Args... args) const { return call_(callable_, args...); }

 protected:
  using erased_call = R (*)(const void*, Args...);
  function_ref(const void* callable, erased_call call) noexcept
      : callable_(callable), call_(call) {}

 private:
  const void* callable_ = nullptr;
  erased_call call_ = nullptr;
};

} // namespace parallel::detail
