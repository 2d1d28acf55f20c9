// Values of several types side by side, which can be passed to a function all at once.
//
// A small std::tuple, because <tuple> takes long to compile.
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
  /// Calls f(first, second, …).
  template <class F>
  constexpr decltype(auto) apply(const F& f) const {
    return f(static_cast<const packed<is, Ts>&>(*this).value...);
  }
};

/// An aggregate: pack<A, B>{{a}, {b}} initialises its values in place, in order.
template <class... Ts>
using pack = packed_all<std::index_sequence_for<Ts...>, Ts...>;

} // namespace parallel::detail
