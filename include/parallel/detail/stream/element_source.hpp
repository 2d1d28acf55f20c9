// The range that an imap takes its elements from, one after another, on the consumer's thread.
//
// Elements of a forward range are used where they are: what is taken is an iterator. An element of
// a single-pass range lasts only until the next one is taken, so it is moved out.
#pragma once

#include <parallel/detail/call/indexed_calls.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

namespace parallel::detail {

template <class V>
class element_source {
  using reference = std::ranges::range_reference_t<V>;
  using value = std::ranges::range_value_t<V>;

  static constexpr bool in_place = std::ranges::forward_range<V>;

 public:
  /// What is kept of an element that has been taken.
  using taken = std::conditional_t<in_place, std::ranges::iterator_t<V>, value>;

  /// The element, as an iterator of the range would give it to a function.
  static decltype(auto) element(taken& from) {
    if constexpr (in_place)
      return *from;
    else if constexpr (!std::is_lvalue_reference_v<reference>)
      return std::move(from);
    else if constexpr (std::is_const_v<std::remove_reference_t<reference>>)
      return std::as_const(from);
    else
      return (from);
  }
  using argument = decltype(element(std::declval<taken&>()));

  explicit element_source(V range) : range_(std::move(range)) {}

  /// The number of elements, or SIZE_MAX if the range does not know it.
  [[nodiscard]] std::size_t size_hint() { return detail::size_hint(*range_); }

  /// Takes the next element; false at the end of the range. Throws what the range throws.
  [[nodiscard]] bool take(std::optional<taken>& into) {
    // ++ only now, and not behind the last element: it may consume what the range reads from.
    if (at_.has_value())
      ++*at_;
    else
      at_.emplace(std::ranges::begin(*range_));
    if (*at_ == std::ranges::end(*range_))
      return false;
    if constexpr (in_place)
      into.emplace(*at_);
    else
      into.emplace(std::ranges::iter_move(*at_));
    return true;
  }

  /// Destroys the range, after which no element is to be taken.
  void destroy() noexcept {
    at_.reset();
    range_.reset();
  }

 private:
  std::optional<V> range_;
  std::optional<std::ranges::iterator_t<V>>
      at_; // at the element taken last; empty before the first
};

} // namespace parallel::detail
