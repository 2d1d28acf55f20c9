// map_reduce: run a function over the items of a range and combine what it returns to one value.
//
// The combinations form a tree that depends on the number of elements alone, so the answer is the
// same for any number of threads and every run, to the last bit of a floating-point sum. The loops
// are those of map.hpp (next: detail/call/indexed_calls.hpp, pool.hpp).
#pragma once

#include <parallel/detail/call/indexed_calls.hpp>
#include <parallel/detail/control/controlled_body.hpp>
#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/options.hpp>
#include <parallel/pool.hpp>

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

/// Combines with `sum` what f returns for elements of one leaf: those behind the ones in it.
template <class T, class Op, class Calls>
void extend(std::optional<T>& sum, const Op& op, const Calls& calls, std::size_t begin,
            std::size_t end) {
  calls.run(begin, end, [&]<class Value>(std::size_t, Value&& value) {
    if (sum)
      combine(op, *sum, std::forward<Value>(value), sum);
    else
      sum.emplace(std::forward<Value>(value));
  });
}

/// The end of the leaf that begins there.
constexpr std::size_t leaf_end(std::size_t begin, std::size_t leaf, std::size_t n) noexcept {
  return n - begin < leaf ? n : begin + leaf;
}

/// Calls body(begin, end) for each leaf in turn. If the body answers, it is until it is not to go
/// on, and the answer is handed on.
template <class Body>
auto run_leaves(const Body& body, std::size_t first, std::size_t last, std::size_t leaf,
                std::size_t n) {
  constexpr bool answers = !std::is_void_v<decltype(body(first, last))>;
  for (std::size_t i = first; i != last; ++i) {
    if constexpr (!answers)
      body(i * leaf, leaf_end(i * leaf, leaf, n));
    else if (!body(i * leaf, leaf_end(i * leaf, leaf, n)))
      return false;
  }
  if constexpr (answers)
    return true;
}

/// The values f returns for the elements of each leaf, combined from left to right. `plain` are the
/// options of a loop over leaves, which controls nothing.
template <class E, class T, class Op, class Calls>
void reduce_leaves(E& executor, const typename E::call_options& plain, const Op& op,
                   const Calls& calls, std::size_t leaf, std::vector<std::optional<T>>& leaves) {
  const auto fold = [&](std::size_t begin, std::size_t end) {
    std::optional<T> sum;
    extend(sum, op, calls, begin, end);
    leaves[begin / leaf].emplace(std::move(*sum));
  };
  bulk_execute(executor, leaves.size(), plain, [&](std::size_t first, std::size_t last) {
    run_leaves(fold, first, last, leaf, calls.size());
  });
}

/// The same under the control of options, which count elements: the control is around the elements
/// of each leaf, in the loop over leaves. If it ends the loop it throws, and the leaves that have
/// been left incomplete are of no use to anybody.
template <class E, class T, class Op, class Calls>
[[gnu::cold]] void reduce_leaves(controller control, const control_request& request, E& executor,
                                 const typename E::call_options& plain, const Op& op,
                                 const Calls& calls, std::size_t leaf,
                                 std::vector<std::optional<T>>& leaves) {
  const std::size_t n = calls.size();
  const auto elements = [&](std::size_t begin, std::size_t end) { // of one leaf, the next ones
    extend(leaves[begin / leaf], op, calls, begin, end);
  };
  const auto run = [&](const loop_body& controlled) {
    const auto part = [&](std::size_t first, std::size_t last) {
      return run_leaves(controlled, first, last, leaf, n);
    };
    if constexpr (requires { body_may_end_loop(executor); })
      bulk_execute(executor, leaves.size(), plain, part);
    else // whose bodies return nothing; what is left is then passed over leaf by leaf
      bulk_execute(executor, leaves.size(), plain, [&](std::size_t first, std::size_t last) {
        static_cast<void>(part(first, last));
      });
  };
  control(request, n, loop_body(elements), loop_runner(run));
}

/// Neighbours, then neighbours of those, until the first is everything.
template <class E, class T, class Op>
void reduce_tree(E& executor, const typename E::call_options& plain, const Op& op,
                 std::vector<std::optional<T>>& leaves) {
  for (std::size_t step = 1; step < leaves.size(); step *= 2) {
    const std::size_t pairs = (leaves.size() - step - 1) / (2 * step) + 1;
    bulk_execute(executor, pairs, plain, [&](std::size_t begin, std::size_t end) {
      for (std::size_t pair = begin; pair != end; ++pair) {
        std::optional<T>& left = leaves[2 * step * pair];
        combine(op, *left, std::move(*leaves[2 * step * pair + step]), left);
      }
    });
  }
}

/// Options that may ask for control, as those of this library's executors.
template <class Options>
concept controllable = requires(const Options& options) {
  options.stop.query();
  options.deadline.ns_left();
  options.progress.call();
};

/// What is left of a call's options for its loops over leaves and pairs: how many threads run them,
/// say, but nothing that counts elements.
template <class Options>
Options without_control(Options options) {
  if constexpr (requires { options.grain; })
    options.grain = 0;
  if constexpr (requires { options.rate; })
    options.rate = {};
  if constexpr (requires { options.stop; })
    options.stop = {};
  if constexpr (requires { options.deadline; })
    options.deadline = {};
  if constexpr (requires { options.progress; })
    options.progress = {};
  if constexpr (requires { options.seed; })
    options.seed = {};
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
  std::vector<std::optional<T>> leaves(n == 0 ? 0 : (n - 1) / leaf + 1);
  const typename E::call_options plain = detail::without_control(options);
  controller control = nullptr;
  if constexpr (controllable<typename E::call_options>) {
    control = detail::controller_of(options);
    if (control != nullptr)
      detail::reduce_leaves(control, detail::request_of(options), executor, plain, op, calls, leaf,
                            leaves);
  }
  if (control == nullptr)
    detail::reduce_leaves(executor, plain, op, calls, leaf, leaves);
  detail::reduce_tree(executor, plain, op, leaves);
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
/// and op: that of the lowest leaf, of the leaves before any combination of them. Stop and deadline
/// are asked before each element, progress counts elements, and a rate counts calls of f, as by
/// map(); when the elements are done, the leaves are combined without asking. On an io_pool,
/// options.in_flight bounds the threads that call f or op at once. Allocates up to 512 (or n /
/// grain) optional<T>.
template <executor E, std::ranges::input_range R, class F, class T, class Op>
T map_reduce(E& executor, R&& xs, F&& f, T initial, Op&& op,
             const typename E::call_options& options = detail::no_options<E>()) {
  return detail::reduce(executor, options, std::move(initial), op,
                        detail::index_calls(options, f, xs));
}

/// map_reduce() on the default pool.
template <std::ranges::input_range R, class F, class T, class Op>
T map_reduce(R&& xs, F&& f, T initial, Op&& op,
             const map_options& options = detail::no_map_options) {
  return parallel::map_reduce(default_pool(), xs, f, std::move(initial), op, options);
}

} // namespace parallel
