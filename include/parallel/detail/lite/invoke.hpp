// Calls anything callable: a function, a function object or a pointer to a member.
//
// A small std::invoke, because <functional> takes long to compile. The algorithms check
// std::invocable before they use it.
#pragma once

#include <type_traits>
#include <utility>

namespace parallel::detail {

/// The object to which a pointer to a member of C is applied: x itself if it is a C, what it refers
/// to if it is a std::reference_wrapper, or else what it points to ([func.require]).
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

/// Calls f(xs...) as std::invoke does.
template <class F, class... Xs>
constexpr decltype(auto) call(const F& f, Xs&&... xs) {
  if constexpr (std::is_member_pointer_v<F>)
    return detail::call_member(f, std::forward<Xs>(xs)...);
  else
    return f(std::forward<Xs>(xs)...);
}

} // namespace parallel::detail
