// A call of whatever can be called: a function, a function object, a pointer to a member.
//
// std::invoke for those who need no more than that: <functional> and <tuple> take long to compile.
// Entered from call/indexed_calls.hpp and the algorithms, after they have asked std::invocable.
#pragma once

#include <type_traits>
#include <utility>

namespace parallel::detail {

/// What a pointer to a member of C is applied to, for x: itself, if it is a C; what a
/// std::reference_wrapper refers to; or what it points to. ([func.require])
template <class C, class X>
constexpr decltype(auto) object_of(X&& x) {
  if constexpr (std::is_base_of_v<C, std::remove_cvref_t<X>>)
    return std::forward<X>(x);
  else if constexpr (
      requires {
        typename std::remove_cvref_t<X>::type;
        x.get();
      } &&
      !requires { *x; })
    return x.get();
  else
    return *std::forward<X>(x);
}

template <class M, class C, class X, class... Xs>
constexpr decltype(auto) call_member(M C::*member, X&& x, Xs&&... xs) {
  if constexpr (std::is_function_v<M>)
    return (object_of<C>(std::forward<X>(x)).*member)(std::forward<Xs>(xs)...);
  else
    return object_of<C>(std::forward<X>(x)).*member;
}

/// f(xs...), as std::invoke calls it.
template <class F, class... Xs>
constexpr decltype(auto) call(const F& f, Xs&&... xs) {
  if constexpr (std::is_member_pointer_v<F>)
    return detail::call_member(f, std::forward<Xs>(xs)...);
  else
    return f(std::forward<Xs>(xs)...);
}

} // namespace parallel::detail
