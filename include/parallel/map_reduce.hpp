// map_reduce: run a function over the items of a range and combine what it returns to one value.
//
// The combinations form a tree that depends on the number of elements alone, so the answer is the
// same for any number of threads and every run, to the last bit of a floating-point sum. The loops
// are those of map.hpp (next: detail/calls.hpp, detail/pool.hpp).
#pragma once

#include <parallel/detail/calls.hpp>
#include <parallel/detail/pool.hpp>
#include <parallel/options.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallel {

namespace detail {

/// Leaves of the tree, unless the elements are fewer: enough to keep hundreds of threads busy.
inline constexpr std::size_t most_leaves = 512;

/// Puts op(left, right) where `left` stands. By way of a new T, as op may return a reference to one
/// of its arguments, and T need not be assignable.
template <class Op, class T, class Right>
void combine(const Op& op, T& left, Right&& right, std::optional<T>& into) {
  T combined(detail::call(op, std::move(left), std::forward<Right>(right)));
  into.emplace(std::move(combined));
}

/// The values f returns for the elements of each leaf, combined from left to right.
template <class E, class T, class Op, class Calls>
std::vector<std::optional<T>> reduce_leaves(E& executor, const typename E::call_options& options,
                                            const Op& op, const Calls& calls, std::size_t leaf) {
  const std::size_t n = calls.size();
  std::vector<std::optional<T>> leaves(n == 0 ? 0 : (n - 1) / leaf + 1);
  const auto fold = [&](std::size_t i) {
    std::optional<T> sum;
    const std::size_t end = n - i * leaf < leaf ? n : (i + 1) * leaf;
    calls.run(i * leaf, end, [&]<class Value>(std::size_t, Value&& value) {
      if (sum)
        combine(op, *sum, std::forward<Value>(value), sum);
      else
        sum.emplace(std::forward<Value>(value));
    });
    leaves[i].emplace(std::move(*sum));
  };
  run_loop(executor, leaves.size(), options, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i != end; ++i)
      fold(i);
  });
  return leaves;
}

/// Neighbours, then neighbours of those, until the first is everything.
template <class E, class T, class Op>
void reduce_tree(E& executor, const Op& op, std::vector<std::optional<T>>& leaves) {
  for (std::size_t step = 1; step < leaves.size(); step *= 2) {
    const std::size_t pairs = (leaves.size() - step - 1) / (2 * step) + 1;
    run_loop(executor, pairs, {}, [&](std::size_t begin, std::size_t end) {
      for (std::size_t pair = begin; pair != end; ++pair) {
        std::optional<T>& left = leaves[2 * step * pair];
        combine(op, *left, std::move(*leaves[2 * step * pair + step]), left);
      }
    });
  }
}

/// The options of a loop over leaves, for a call over `n` elements.
template <class Options>
Options leaf_options(Options options, std::size_t n, std::size_t leaf) {
  if constexpr (requires { options.grain; })
    options.grain = 0;
  options.seed = {}; // has been seen to
  if (const auto hook = options.progress.call())
    options.progress = [hook, n, leaf](progress now) {
      now.total = n;
      now.done = now.done < n / leaf ? now.done * leaf : smallest(n, now.done * leaf);
      hook(now);
    };
  return options;
}

template <class E, class T, class Op, class Calls>
T reduce(E& executor, const typename E::call_options& options, T initial, const Op& op,
         const Calls& calls) {
  using result = typename Calls::result;
  static_assert(!std::is_void_v<result>,
                "parallel::map_reduce: the callable returns nothing to combine.");
  static_assert(!(std::integral<T> && std::floating_point<std::remove_cvref_t<result>>),
                "parallel::map_reduce: the initial value is an integer, to which every "
                "floating-point result would be truncated. Write 0.0, not 0.");
  static_assert(!(std::integral<T> && std::integral<std::remove_cvref_t<result>> &&
                  sizeof(T) < sizeof(std::remove_cvref_t<result>)),
                "parallel::map_reduce: the initial value's type is narrower than the integers that "
                "the callable returns, which would be cut off. Start from one of their type.");
  static_assert(std::is_constructible_v<T, result> && std::is_invocable_r_v<T, const Op&, T, T> &&
                    std::is_invocable_r_v<T, const Op&, T, result>,
                "parallel::map_reduce: with T the type of the initial value, T must be "
                "constructible from what the callable returns, and op(T, T) and op(T, that) must "
                "give a T again: parts of the range are combined first.");
  const std::size_t n = calls.size();
  std::size_t leaf = n / most_leaves + (n % most_leaves != 0 ? 1 : 0);
  if constexpr (requires { options.grain; })
    leaf = options.grain != 0 ? options.grain : leaf;
  if (leaf == 0)
    leaf = 1;
  std::vector<std::optional<T>> leaves = detail::reduce_leaves<E, T>(
      executor, detail::leaf_options(options, n, leaf), op, calls, leaf);
  detail::reduce_tree(executor, op, leaves);
  return leaves.empty() ? std::move(initial)
                        : detail::call(op, std::move(initial), std::move(*leaves.front()));
}

} // namespace detail

/// Calls f for every element of a range, on many threads, and combines what it returns with op, in
/// the order of the elements: op(initial, op(op(f(x0), f(x1)), op(f(x2), …))).
///
/// - `executor`, `xs`, `f`, `options`: as for map().
/// - `initial`: takes part once, at the front, and is the answer for no elements. Its type T is the
///   type of the answer.
/// - `op`: associative (else the answer depends on the tree), not necessarily commutative, callable
///   on many threads at once as op(T, T) and op(T, what f returns), giving a T.
///
/// The tree depends on the number of elements alone, and on options.grain, the number of elements
/// that are combined one after another (by default 1/512 of them): the answer is the same for any
/// number of threads and every run, the rounding of floating-point sums included. Exceptions of f
/// and op: that of the lowest leaf, of the leaves before any combination of them; stop and deadline
/// are looked at before each leaf. Allocates up to 512 (or n / grain) optional<T>.
template <executor E, std::ranges::input_range R, class F, class T, class Op>
T map_reduce(E& executor, R&& xs, F&& f, T initial, Op&& op,
             const typename E::call_options& options = detail::no_options<E>()) {
  return detail::reduce(executor, options, std::move(initial), op,
                        detail::calls_over(options, f, xs));
}

/// map_reduce() on the default pool.
template <std::ranges::input_range R, class F, class T, class Op>
T map_reduce(R&& xs, F&& f, T initial, Op&& op,
             const map_options& options = detail::no_map_options) {
  return parallel::map_reduce(default_pool(), xs, f, std::move(initial), op, options);
}

} // namespace parallel
