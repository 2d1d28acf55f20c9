// Values of several types side by side, to be handed to a function all at once.
//
// A std::tuple for those who need no more than that: <tuple> takes long to compile.
// call/indexed_calls.hpp keeps its ranges in one.
#pragma once

#include <cstddef>
#include <utility>

namespace parallel::detail {

template <std::size_t i, class T>
struct packed {
  T value;
};

template <class Indices, class... Ts>
struct packed_all;

template <std::size_t... is, class... Ts>
struct packed_all<std::index_sequence<is...>, Ts...> : packed<is, Ts>... {
  /// f(first, second, …)
  template <class F>
  constexpr decltype(auto) apply(const F& f) const {
    return f(static_cast<const packed<is, Ts>&>(*this).value...);
  }
};

/// An aggregate: pack<A, B>{{a}, {b}} makes its values in place, in their order.
template <class... Ts>
using pack = packed_all<std::index_sequence_for<Ts...>, Ts...>;

} // namespace parallel::detail
