// filter: the elements of a range for which a predicate is true, in their order.
//
// There are two steps. First many threads call the predicate for all elements, and each writes the
// answers for its elements side by side with the others. Then the calling thread copies or moves
// the elements to keep. detail/README.md uses this file as the example of how to add an
// algorithm: it needs nothing of detail/ but calls by index.
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

/// Ranges whose elements still exist after the predicate has been called for all of them.
template <class R>
concept lasting_range =
    std::ranges::forward_range<R> && std::is_lvalue_reference_v<std::ranges::range_reference_t<R>>;

/// An rvalue that owns its elements, so that they may be moved from. (A range that refers to
/// elements which it does not own, such as a span, gives mutable ones even if it is const itself.)
/// R is as deduced from R&&.
template <class R>
concept is_rvalue_container =
    !std::is_lvalue_reference_v<R> &&
    std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<const R>>>;

/// Calls the predicate for every element and sets answers[i] by set(answers[i], result of call i).
template <class Answer, class E, class Calls, class Set>
std::vector<Answer> collect_answers(E& executor, const typename E::call_options& options,
                                    const Calls& calls, const Set& set) {
  std::vector<Answer> answers(calls.size());
  bulk_execute(executor, calls.size(), options,
               [&calls, &set, to = answers.data()](std::size_t begin, std::size_t end) {
                 calls.run(begin, end, [&set, to]<class Value>(std::size_t i, Value&& value) {
                   set(to[i], std::forward<Value>(value));
                 });
               });
  return answers;
}

/// Elements, such as numbers, of which a superfluous copy costs less than a mispredicted branch.
template <class T>
concept cheap_to_copy = std::is_trivially_copyable_v<T> &&
                            std::is_trivially_default_constructible_v<T> &&
                            std::is_copy_assignable_v<T> && sizeof(T) <= 2 * sizeof(void*) &&
                        !std::same_as<T, bool>; // which std::vector packs

/// For ranges whose elements last: marks the elements to keep, then walks through the range again,
/// up to the last marked one.
template <bool move, class E, class R, class F>
auto fetch_marked(E& executor, const typename E::call_options& options, R& xs, const F& keep) {
  using value = std::ranges::range_value_t<R>;
  const std::vector<unsigned char> marks = detail::collect_answers<unsigned char>(
      executor, options, detail::index_calls(options, keep, xs),
      []<class Answer>(unsigned char& mark, Answer&& answer) {
        mark = std::forward<Answer>(answer) ? 1 : 0;
      });
  std::size_t count = 0;
  for (const unsigned char mark : marks)
    count += mark;
  auto x = std::ranges::begin(xs);
  const unsigned char* mark = marks.data();
  if constexpr (cheap_to_copy<value> &&
                std::is_same_v<std::remove_cvref_t<std::ranges::range_reference_t<R>>, value>) {
    // Without a branch, which would be mispredicted where the marks follow no pattern: an element
    // that is not marked is overwritten by the next one.
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

/// A predicate that also returns the element, which exists only during the call.
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

/// For ranges whose elements do not last: each thread stores the elements to keep at once.
template <class E, class R, class F>
auto filter_single_pass(E& executor, const typename E::call_options& options, R& xs,
                        const F& keep) {
  using value = std::ranges::range_value_t<R>;
  auto all = detail::collect_answers<std::optional<value>>(
      executor, options, detail::index_calls(options, taker<value, F>{keep}, xs),
      [](std::optional<value>& to, std::optional<value>&& taken) {
        if (taken)
          to.emplace(std::move(*taken)); // the type need not be assignable
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

/// What a predicate is called with, R as deduced from R&&: always an lvalue, because the predicate
/// must not move from the element.
template <class R>
using predicate_argument =
    decltype(std::declval<input<std::remove_reference_t<R>>>().elements()[0])&;

/// What the predicate returns for an element; it gets random numbers if it takes any.
template <class F, class X>
using answer = decltype(detail::call_for(std::declval<const F&>(), 0, 0, std::declval<X>()));

template <class R, class E, class F>
auto filter_elements(E& executor, const typename E::call_options& options,
                     std::remove_reference_t<R>& xs, const F& keep) {
  using range = std::remove_reference_t<R>;
  using value = std::ranges::range_value_t<R>;
  detail::check_callable<F, predicate_argument<R>>();
  static_assert(std::is_constructible_v<bool, answer<F, predicate_argument<R>>>,
                "parallel::filter: the predicate must say true or false, or what converts to it.");
  if constexpr (lasting_range<range>) {
    constexpr bool move = is_rvalue_container<R>;
    using fetched = std::conditional_t<move, std::ranges::range_rvalue_reference_t<range>,
                                       std::ranges::range_reference_t<range>>;
    static_assert(std::is_constructible_v<value, fetched>,
                  "parallel::filter: what is kept is copied, and these elements cannot be. Give "
                  "the range away, with std::move, and they are moved; or filter pointers.");
    return detail::fetch_marked<move>(executor, options, xs, keep);
  } else {
    return detail::filter_single_pass(executor, options, xs, keep);
  }
}

} // namespace detail

/// Calls a predicate for every element of a range, on many threads, and returns the elements for
/// which it is true, in their order: std::vector<std::ranges::range_value_t<R>>.
///
/// - `executor`, `options`: as for map().
/// - `xs`: any input range, as for map(). The elements that are kept are copied. They are moved if
///   the range owns its elements and is given as an rvalue, filter(std::move(xs), keep); they may
///   then be move-only.
/// - `keep`: called as std::invoke(keep, x), where x is an lvalue, once for each element, on many
///   threads at once, through a const reference. It is never copied. Its result is converted to
///   bool. It may take a random_engine& after x, as the callable of map() may.
///
/// Exceptions, stop, deadline, threads and nesting are as for map(): if calls throw, the exception
/// of the lowest index is rethrown when no call runs any more, and stop and deadline are checked
/// before each call. The range is unchanged then, except for elements that were taken from a
/// single-pass range, and elements that are temporaries.
///
/// Elements that are temporaries, or that come from a single-pass range, are stored by the thread
/// that calls the predicate, and an exception of their move counts as one of the call. All other
/// elements are copied or moved at the end, by the calling thread.
///
/// Cost: that of map() for the calls. Then the calling thread reads one byte for each element and
/// copies the elements that are kept, in a second walk through the range (a view's own functions
/// are called again). So the plain loop is faster for a predicate that takes a nanosecond or two.
/// Besides the result, filter() allocates that byte; for elements that are temporaries (as those of
/// iota, views::transform and vector<bool>) or from a single-pass range, an optional in its place;
/// and what map() allocates for a range that is not random-access.
template <executor E, std::ranges::input_range R, class F>
auto filter(E& executor, R&& xs, F&& keep,
            const typename E::call_options& options = detail::no_options<E>()) {
  return detail::filter_elements<R>(executor, options, xs, keep);
}

/// filter() on the default pool.
template <std::ranges::input_range R, class F>
auto filter(R&& xs, F&& keep, const map_options& options = detail::no_map_options) {
  return parallel::filter(default_pool(), std::forward<R>(xs), keep, options);
}

} // namespace parallel
