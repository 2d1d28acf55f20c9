// The elements of a range, accessible by index from many threads.
//
// A parallel loop hands out indices, so it needs xs[i] for any i. The three kinds of ranges give it
// at different prices: a random-access range is used in place; of a forward range the iterators are
// gathered first; the elements of a single-pass range are moved into a buffer once.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span> // the range concepts, in a fifth of the time that <ranges> takes to compile
#include <type_traits>
#include <utility>
#include <vector>

namespace parallel::detail {

/// The smallest of the arguments, as std::min.
template <class... Sizes>
constexpr std::size_t smallest(std::size_t first, Sizes... others) noexcept {
  ((first = others < first ? others : first), ...);
  return first;
}

/// A range without an end, such as std::views::iota(0).
template <class R>
concept endless = std::same_as<std::ranges::sentinel_t<R>, std::unreachable_sentinel_t>;

/// The number of elements of `range` if it is known without a walk over them; else SIZE_MAX.
template <std::ranges::input_range R>
std::size_t size_hint(R& range) {
  if constexpr (std::ranges::sized_range<R>) {
    const auto size = std::ranges::size(range); // of any integer type
    return size < SIZE_MAX ? static_cast<std::size_t>(size) : SIZE_MAX;
  } else {
    return SIZE_MAX;
  }
}

/// The first min(limit, size) elements of a range. elements() returns a cursor: one or two
/// pointers, which a loop copies so that the compiler can keep them in registers.
template <std::ranges::input_range R>
class input;

/// A random-access range, which must outlive the input.
template <std::ranges::random_access_range R>
class input<R> {
 public:
  input(R& range, std::size_t limit) : begin_(std::ranges::begin(range)), size_(limit) {
    if constexpr (std::ranges::sized_range<R>)
      size_ = smallest(limit, detail::size_hint(range));
    else if constexpr (!endless<R>)
      size_ = walk(std::ranges::end(range));
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  struct cursor {
    std::ranges::iterator_t<R> begin;

    decltype(auto) operator[](std::size_t i) const {
      return begin[static_cast<std::ranges::range_difference_t<R>>(i)];
    }
  };
  [[nodiscard]] cursor elements() const { return {begin_}; }

 private:
  /// Counts the elements up to the limit. It must not go further: a range may turn out to have no
  /// end.
  template <class End>
  [[nodiscard]] std::size_t walk(const End& end) const {
    std::size_t count = 0;
    for (auto i = begin_; count < size_ && i != end; ++i)
      ++count;
    return count;
  }

  std::ranges::iterator_t<R> begin_;
  std::size_t size_;
};

/// A forward range, which must outlive the input: keeps an iterator for each element.
template <std::ranges::forward_range R>
requires(!std::ranges::random_access_range<R>) class input<R> {
 public:
  input(R& range, std::size_t limit) {
    if (const std::size_t size = detail::size_hint(range); size != SIZE_MAX)
      iterators_.reserve(smallest(limit, size));
    if (limit == 0)
      return;
    const auto end = std::ranges::end(range);
    for (auto i = std::ranges::begin(range); i != end; ++i) {
      iterators_.push_back(i);
      if (iterators_.size() == limit)
        return; // without ++, which may take long to reach the next element
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return iterators_.size(); }

  struct cursor {
    const std::ranges::iterator_t<R>* iterators;

    decltype(auto) operator[](std::size_t i) const { return *iterators[i]; }
  };
  [[nodiscard]] cursor elements() const { return {iterators_.data()}; }

 private:
  std::vector<std::ranges::iterator_t<R>> iterators_;
};

/// A single-pass range: keeps the elements themselves.
template <std::ranges::input_range R>
requires(!std::ranges::forward_range<R>) class input<R> {
  using value = std::ranges::range_value_t<R>;
  using reference = std::ranges::range_reference_t<R>;

 public:
  input(R& range, std::size_t limit) {
    if (const std::size_t size = detail::size_hint(range); size != SIZE_MAX)
      elements_.reserve(smallest(limit, size));
    if (limit == 0)
      return; // without begin(), which may already consume an element
    const auto end = std::ranges::end(range);
    for (auto i = std::ranges::begin(range); i != end;) {
      elements_.emplace_back(std::ranges::iter_move(i));
      if (elements_.size() == limit)
        return; // without ++, which would consume one element too many
      ++i;
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return elements_.size(); }

  class cursor;
  [[nodiscard]] cursor elements() const { return cursor(elements_.data()); }

 private:
  template <class From>
  using copy_const = std::conditional_t<std::is_const_v<From>, const value, value>;

  /// The value is mutable because exactly one thread uses each element. The struct keeps bools from
  /// being packed into words that threads would share.
  struct element {
    template <class From>
    explicit element(From&& from) : value_(std::forward<From>(from)) {}
    mutable value value_;
  };

 public:
  class cursor {
   public:
    explicit cursor(const element* elements) : elements_(elements) {}

    /// The buffered element, as an lvalue if the range yields lvalues, else as an rvalue.
    decltype(auto) operator[](std::size_t i) const {
      if constexpr (std::is_lvalue_reference_v<reference>)
        return static_cast<copy_const<std::remove_reference_t<reference>>&>(elements_[i].value_);
      else
        return std::move(elements_[i].value_);
    }

   private:
    const element* elements_;
  };

 private:
  std::vector<element> elements_;
};

} // namespace parallel::detail
