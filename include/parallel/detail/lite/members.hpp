// Whether a type has a member of some kind, as far as this can be found out from outside.
//
// The members of a std::pair, a std::tuple or a std::variant are part of its type. The members of
// an aggregate are found by testing whether it could be initialised with an object that converts to
// (nearly) any type. The members of other classes cannot be found.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace parallel::detail {

template <class T, class Whole>
concept member_of = !std::is_same_v<std::remove_cv_t<T>, Whole>;

/// Types for which Kind::template includes<T> is true. The compiler may ask this about any type,
/// also an incomplete one. (Unions are left out: some compilers give wrong answers for unnamed
/// ones.)
template <class T, class Kind>
concept is_of_kind = requires {
  sizeof(T);
  requires !std::is_union_v<T>;
  requires Kind::template includes<T>;
};

/// Converts to any type that a member of Whole may have. For a member with a constructor that takes
/// anything, the conversion is ambiguous; this keeps the compiler from instantiating the
/// constructor of a user's type, which might be an error.
template <class Whole>
struct converts_to_any {
  template <member_of<Whole> T>
  operator T();
};

/// Converts to the same types except those of the given kind.
template <class Whole, class Kind>
struct converts_to_other_kinds {
  template <member_of<Whole> T>
  operator T();
  template <member_of<Whole> T>
  requires member_of<T, converts_to_other_kinds> && is_of_kind<T, Kind>
  operator T() = delete;
};

/// Whether a T can be initialised from `before` default values followed by a From, so that the From
/// initialises the member with that index. (Parentheses are used because nested braces may be
/// omitted in a braced list: the From could then initialise a member of a member.)
template <class T, class From, std::size_t before>
constexpr bool is_initialisable_from() {
  // clang-format off
  if constexpr (before == 0)
    return requires { T(From()); };
  else if constexpr (before == 1)
    return requires { T({}, From()); };
  else if constexpr (before == 2)
    return requires { T({}, {}, From()); };
  else if constexpr (before == 3)
    return requires { T({}, {}, {}, From()); };
  else if constexpr (before == 4)
    return requires { T({}, {}, {}, {}, From()); };
  else if constexpr (before == 5)
    return requires { T({}, {}, {}, {}, {}, From()); };
  else if constexpr (before == 6)
    return requires { T({}, {}, {}, {}, {}, {}, From()); };
  else if constexpr (before == 7)
    return requires { T({}, {}, {}, {}, {}, {}, {}, From()); };
  else if constexpr (before == 8)
    return requires { T({}, {}, {}, {}, {}, {}, {}, {}, From()); };
  else if constexpr (before == 9)
    return requires { T({}, {}, {}, {}, {}, {}, {}, {}, {}, From()); };
  else if constexpr (before == 10)
    return requires { T({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, From()); };
  else if constexpr (before == 11)
    return requires { T({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, From()); };
  // clang-format on
}

/// Members of an aggregate that are searched: as many as is_initialisable_from() has branches.
inline constexpr std::size_t max_searched_members = 12;

template <class T, class Kind, std::size_t... before>
constexpr bool aggregate_has_member(std::index_sequence<before...>) {
  return ((is_initialisable_from<T, converts_to_any<T>, before>() &&
           !is_initialisable_from<T, converts_to_other_kinds<T, Kind>, before>()) ||
          ...);
}

template <class T>
concept tuple_like = requires {
  std::tuple_size<T>::value;
};

template <class T, class Kind, std::size_t... is>
constexpr bool tuple_has_member(std::index_sequence<is...>) {
  return (Kind::template includes<std::tuple_element_t<is, T>> || ...);
}

/// Whether T is a std::variant with an alternative of some kind. It recognises a variant by a
/// member function, without <variant>, which takes long to compile.
template <class T>
struct alternatives {
  template <class Kind>
  static constexpr bool include = false;
};
template <template <class...> class Variant, class... Ts>
requires requires(const Variant<Ts...>& variant) {
  variant.valueless_by_exception();
}
struct alternatives<Variant<Ts...>> {
  template <class Kind>
  static constexpr bool include = (Kind::template includes<Ts> || ...);
};

/// Elements of a tuple or a std::array that are searched.
inline constexpr std::size_t max_searched_elements = 64;

/// Whether T is known to have a member, base or alternative X for which Kind::template includes<X>
/// is true. Members of members are not searched, unless Kind itself does so.
template <class T, class Kind>
constexpr bool has_member() {
  if constexpr (tuple_like<T>) {
    constexpr std::size_t size = std::tuple_size<T>::value;
    return tuple_has_member<T, Kind>(
        std::make_index_sequence<(size < max_searched_elements ? size : max_searched_elements)>());
  } else if constexpr (std::is_aggregate_v<T> && std::is_class_v<T>) {
    return aggregate_has_member<T, Kind>(std::make_index_sequence<max_searched_members>());
  } else {
    return alternatives<T>::template include<Kind>;
  }
}

} // namespace parallel::detail
