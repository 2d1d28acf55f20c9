// A buffer for n results, which threads fill in any order and which becomes a std::vector at the
// end.
//
// Exactly one thread writes each element. If possible the buffer is the resulting vector itself;
// otherwise the results are collected in optionals, or bytes for bool, and moved at the end. If the
// loop throws, the buffer's destructor destroys each result that was built exactly once.
#pragma once

#include <parallel/detail/lite/members.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallel::detail {

/// Types whose allocator does not propagate on move assignment, such as std::pmr::string. (It asks
/// what std::allocator_traits would ask, without <memory>.)
template <class T>
concept has_nonpropagating_allocator = requires {
  typename T::allocator_type;
  requires !requires {
    requires T::allocator_type::propagate_on_container_move_assignment::value;
  };
};

/// Whether T is such a type or, as far as has_member() can tell, has a member of such a type.
template <class T>
constexpr bool contains_nonpropagating_allocator();

struct nonpropagating_allocator_kind {
  template <class T>
  static constexpr bool includes = contains_nonpropagating_allocator<T>();
};

template <class T>
constexpr bool contains_nonpropagating_allocator() {
  if constexpr (has_nonpropagating_allocator<T>)
    return true;
  else
    return has_member<T, nonpropagating_allocator_kind>();
}

/// Types whose elements can be default-constructed in the vector and be assigned a `From` later,
/// with the same outcome as if they were constructed from it. Default construction that cannot
/// throw is assumed to be cheap. (A default-constructed std::vector<bool>::reference refers to
/// nothing and must not be assigned to.)
template <class T, class From>
concept assignable_in_place =
    std::is_nothrow_default_constructible_v<T> && std::is_assignable_v<T&, From> &&
    !contains_nonpropagating_allocator<T>() &&
    !std::same_as<T, std::vector<bool>::reference>;

/// Smaller vectors are constructed directly, without a call of prepare(), which is quicker.
inline constexpr std::size_t min_prepared_bytes = std::size_t{64} << 10;

/// A vector of n default-constructed elements. `prepare(memory, bytes)` is called for the memory
/// before the elements are constructed, if there are min_prepared_bytes or more.
template <class T, class Prepare>
std::vector<T> make_vector(std::size_t n, const Prepare& prepare) {
  if (n < min_prepared_bytes / sizeof(T))
    return std::vector<T>(n);
  std::vector<T> made;
  made.reserve(n);
  prepare(made.data(), n * sizeof(T));
  made.resize(n);
  return made;
}

/// A buffer for results of type T, each assigned or constructed from a From. This one is for types
/// that can be assigned in place: it is the resulting vector itself.
template <class T, class From>
class result_buffer {
 public:
  template <class Prepare>
  result_buffer(std::size_t n, const Prepare& prepare) : values_(make_vector<T>(n, prepare)) {}

  /// A small object that a loop copies; writer(i, value) sets result i, once for each i.
  [[nodiscard]] auto writer() noexcept {
    return [to = values_.data()]<class Value>(std::size_t i, Value&& value) {
      to[i] = std::forward<Value>(value);
    };
  }

  [[nodiscard]] std::vector<T> take() { return std::move(values_); }

 private:
  std::vector<T> values_;
};

/// For other types, such as those without a default constructor: each result is constructed in an
/// optional, and moved to the vector at the end.
template <class T, class From>
requires(!assignable_in_place<T, From>) class result_buffer<T, From> {
 public:
  template <class Prepare>
  result_buffer(std::size_t n, const Prepare& prepare)
      : optionals_(make_vector<std::optional<T>>(n, prepare)) {}

  [[nodiscard]] auto writer() noexcept {
    return [to = optionals_.data()]<class Value>(std::size_t i, Value&& value) {
      to[i].emplace(std::forward<Value>(value));
    };
  }

  [[nodiscard]] std::vector<T> take() {
    std::vector<T> values;
    values.reserve(optionals_.size());
    for (std::optional<T>& each : optionals_)
      values.push_back(std::move(*each));
    return values;
  }

 private:
  std::vector<std::optional<T>> optionals_;
};

/// For bool, a byte for each result: std::vector<bool> packs neighbours into one word, and threads
/// must not write to one word at the same time.
template <class From>
class result_buffer<bool, From> {
 public:
  template <class Prepare>
  result_buffer(std::size_t n, const Prepare& prepare)
      : bytes_(make_vector<unsigned char>(n, prepare)) {}

  [[nodiscard]] auto writer() noexcept {
    return [to = bytes_.data()](std::size_t i, bool value) { to[i] = value ? 1 : 0; };
  }

  [[nodiscard]] std::vector<bool> take() const {
    return std::vector<bool>(bytes_.begin(), bytes_.end());
  }

 private:
  std::vector<unsigned char> bytes_;
};

} // namespace parallel::detail
