// filter: the elements of a range for which a predicate is true, in their order.
//
// Two steps: all threads ask the predicate, each answer in a place of its own; then the caller
// fetches what is to be kept. The loop is that of map.hpp (next: detail/call/indexed_calls.hpp,
// pool.hpp). The example for a new algorithm in tests/README.md: it needs no more of
// detail/ than this.
#pragma once

#include <parallel/detail/call/indexed_calls.hpp>
#include <parallel/detail/call/input.hpp>
#include <parallel/options.hpp>
#include <parallel/pool.hpp>

#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span> // the range concepts, as in detail/call/indexed_calls.hpp
#include <type_traits>
#include <utility>
#include <vector>

namespace parallel {

namespace detail {

/// Ranges whose elements are still there when the predicate has been asked about all of them.
template <class R>
concept lasting_range =
    std::ranges::forward_range<R> && std::is_lvalue_reference_v<std::ranges::range_reference_t<R>>;

/// An rvalue that owns its elements, which nobody will miss. (What refers to elements of others,
/// such as a span, gives mutable ones even if it is const itself.) R as deduced from R&&.
template <class R>
concept given_away =
    !std::is_lvalue_reference_v<R> &&
    std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<const R>>>;

/// Asks about every element and sets answers[i] by set(answers[i], what call i returns).
template <class Answer, class E, class Calls, class Set>
std::vector<Answer> ask(E& executor, const typename E::call_options& options, const Calls& calls,
                        const Set& set) {
  std::vector<Answer> answers(calls.size());
  bulk_execute(executor, calls.size(), options,
               [&calls, &set, to = answers.data()](std::size_t begin, std::size_t end) {
                 calls.run(begin, end, [&set, to]<class Value>(std::size_t i, Value&& value) {
                   set(to[i], std::forward<Value>(value));
                 });
               });
  return answers;
}

/// Elements, such as numbers, for which a copy too many costs less than a mispredicted branch.
template <class T>
concept mere_words = std::is_trivially_copyable_v<T> &&
                         std::is_trivially_default_constructible_v<T> &&
                         std::is_copy_assignable_v<T> && sizeof(T) <= 2 * sizeof(void*) &&
                     !std::same_as<T, bool>; // which std::vector packs

/// Where elements last: marks them, then walks through the range once more, to the last marked one.
template <bool move, class E, class R, class F>
auto fetch_marked(E& executor, const typename E::call_options& options, R& xs, const F& keep) {
  using value = std::ranges::range_value_t<R>;
  const std::vector<unsigned char> marks =
      detail::ask<unsigned char>(executor, options, detail::index_calls(options, keep, xs),
                                 []<class Answer>(unsigned char& mark, Answer&& answer) {
                                   mark = std::forward<Answer>(answer) ? 1 : 0;
                                 });
  std::size_t count = 0;
  for (const unsigned char mark : marks)
    count += mark;
  auto x = std::ranges::begin(xs);
  const unsigned char* mark = marks.data();
  if constexpr (mere_words<value> &&
                std::is_same_v<std::remove_cvref_t<std::ranges::range_reference_t<R>>, value>) {
    // Without a branch, which would be mispredicted where the marks follow no pattern: what is not
    // marked is overwritten by the next.
    std::vector<value> kept(count);
    for (std::size_t i = 0; i != count; ++x) {
      kept[i] = *x;
      i += *mark++;
    }
    return kept;
  } else {
    std::vector<value> kept;
    kept.reserve(count);
    for (; kept.size() != count; ++x) {
      if (*mark++ == 0)
        continue;
      if constexpr (move)
        kept.emplace_back(std::ranges::iter_move(x));
      else
        kept.emplace_back(*x);
    }
    return kept;
  }
}

/// A predicate that takes the element along, as its caller has it for this moment only.
template <class T, class F>
struct taker {
  const F& keep;

  template <class X, class... Random>
  requires std::invocable<const F&, X&, Random&...> std::optional<T>
  operator()(X&& x, Random&... random) const {
    std::optional<T> taken;
    if (detail::call(keep, x, random...))
      taken.emplace(std::move(x)); // NOLINT: a temporary, or buffered by this library
    return taken;
  }
};

/// Where elements do not last: each thread takes along what it is to keep.
template <class E, class R, class F>
auto take_along(E& executor, const typename E::call_options& options, R& xs, const F& keep) {
  using value = std::ranges::range_value_t<R>;
  auto all = detail::ask<std::optional<value>>(
      executor, options, detail::index_calls(options, taker<value, F>{keep}, xs),
      [](std::optional<value>& to, std::optional<value>&& taken) {
        if (taken)
          to.emplace(std::move(*taken)); // which asks less of the type than an assignment
      });
  std::size_t count = 0;
  for (const std::optional<value>& each : all)
    count += each ? 1 : 0;
  std::vector<value> kept;
  kept.reserve(count);
  for (std::optional<value>& each : all)
    if (each)
      kept.push_back(std::move(*each));
  return kept;
}

/// What a predicate is called with, R as deduced from R&&: always an lvalue, as it must leave the
/// element as it is.
template <class R>
using asked_about = decltype(std::declval<input<std::remove_reference_t<R>>>().elements()[0])&;

/// What the predicate says about an element, with random numbers if it takes any.
template <class F, class X>
using answer = decltype(detail::call_for(std::declval<const F&>(), 0, 0, std::declval<X>()));

template <class R, class E, class F>
auto choose(E& executor, const typename E::call_options& options, std::remove_reference_t<R>& xs,
            const F& keep) {
  using range = std::remove_reference_t<R>;
  using value = std::ranges::range_value_t<R>;
  detail::check_callable<F, asked_about<R>>();
  static_assert(std::is_constructible_v<bool, answer<F, asked_about<R>>>,
                "parallel::filter: the predicate must say true or false, or what converts to it.");
  if constexpr (lasting_range<range>) {
    constexpr bool move = given_away<R>;
    using fetched = std::conditional_t<move, std::ranges::range_rvalue_reference_t<range>,
                                       std::ranges::range_reference_t<range>>;
    static_assert(std::is_constructible_v<value, fetched>,
                  "parallel::filter: what is kept is copied, and these elements cannot be. Give "
                  "the range away, with std::move, and they are moved; or filter pointers.");
    return detail::fetch_marked<move>(executor, options, xs, keep);
  } else {
    return detail::take_along(executor, options, xs, keep);
  }
}

} // namespace detail

/// Asks a predicate about every element of a range, on many threads, and returns those for which it
/// is true, in their order: std::vector<std::ranges::range_value_t<R>>.
///
/// - `executor`, `options`: as for map().
/// - `xs`: any input range, as for map(). What is kept is copied; it is moved if the range owns its
///   elements and is given away, filter(std::move(xs), keep), and so may then be move-only.
/// - `keep`: called as std::invoke(keep, x), x an lvalue, once for each element, concurrently,
///   through a const reference; it is never copied. What it returns is converted to bool. It may
///   take a random_engine& behind x, as map()'s callable may.
///
/// If calls throw, the exception of the lowest index is rethrown when no call runs any more, as by
/// map(); stop and deadline are looked at before each call. The range is then as it was, but for
/// what single-pass ranges have given, and for elements that are temporaries: these are taken along
/// by the threads that ask, and what their moves throw counts as the call's. All others are copied
/// or moved by the calling thread, at the end.
///
/// Cost: that of map() for the calls; then the calling thread looks at a byte for each element and
/// copies what is kept, by a second walk through the range (a view's own functions are called
/// again). So a predicate of a nanosecond or two is better asked by the plain loop. Besides the
/// result it allocates that byte, or an optional for each element that is a temporary (as those of
/// iota, of views::transform, of vector<bool>) or comes from a single-pass range, and what map()
/// allocates for ranges that are not random-access.
template <executor E, std::ranges::input_range R, class F>
auto filter(E& executor, R&& xs, F&& keep,
            const typename E::call_options& options = detail::no_options<E>()) {
  return detail::choose<R>(executor, options, xs, keep);
}

/// filter() on the default pool.
template <std::ranges::input_range R, class F>
auto filter(R&& xs, F&& keep, const map_options& options = detail::no_map_options) {
  return parallel::filter(default_pool(), std::forward<R>(xs), keep, options);
}

} // namespace parallel
