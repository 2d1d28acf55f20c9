// Whether a type has a member of some kind, as far as that can be found out from outside.
//
// The members of a std::pair, a std::tuple or a std::variant are in its type. Those of an aggregate
// are found by initialising it, in thought, with something that converts to all other types. Of
// other classes nothing is known. Used by call/result_buffer.hpp and io/retry.hpp.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace parallel::detail {

template <class T, class Whole>
concept member_of = !std::is_same_v<std::remove_cv_t<T>, Whole>;

/// Conversions are looked for in any type, incomplete ones too. (Some compilers say strange things
/// of unions without a name.)
template <class T, class Kind>
concept of_kind = requires {
  sizeof(T);
  requires !std::is_union_v<T>;
  requires Kind::template includes<T>;
};

/// Converts to what a member of Whole may be. Where a constructor would take it as well, neither is
/// preferred, and so no constructor is looked into: that of a type of the user's may not compile.
template <class Whole>
struct any_member {
  template <member_of<Whole> T>
  operator T();
};

/// The same but for types of that kind.
template <class Whole, class Kind>
struct any_member_but {
  template <member_of<Whole> T>
  operator T();
  template <member_of<Whole> T>
  requires member_of<T, any_member_but> && of_kind<T, Kind>
  operator T() = delete;
};

/// Whether a T can be made from a From behind so many members that are as they are by default. (In
/// parentheses: in braces, members of members and elements of arrays could have theirs left out.)
template <class T, class From, std::size_t before>
constexpr bool is_made_from() {
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

/// As many as is_made_from() knows of.
inline constexpr std::size_t most_searched_members = 12;

template <class T, class Kind, std::size_t... before>
constexpr bool aggregate_has_member(std::index_sequence<before...>) {
  return ((is_made_from<T, any_member<T>, before>() &&
           !is_made_from<T, any_member_but<T, Kind>, before>()) ||
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

/// The alternatives of a std::variant, whose header takes long to compile.
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

/// More elements of a tuple or a std::array are not searched.
inline constexpr std::size_t most_searched_elements = 64;

/// Whether T is known to have a member, base or alternative X for which Kind::template includes<X>
/// is true. Kind looks into the members of members itself, if it is to.
template <class T, class Kind>
constexpr bool has_member() {
  if constexpr (tuple_like<T>) {
    constexpr std::size_t size = std::tuple_size<T>::value;
    return tuple_has_member<T, Kind>(
        std::make_index_sequence<(size < most_searched_elements ? size
                                                                : most_searched_elements)>());
  } else if constexpr (std::is_aggregate_v<T> && std::is_class_v<T>) {
    return aggregate_has_member<T, Kind>(std::make_index_sequence<most_searched_members>());
  } else {
    return alternatives<T>::template include<Kind>;
  }
}

} // namespace parallel::detail
