// map_reduce: run a function over the items of a range and combine what it returns into one value.
//
// The combinations form a tree that depends on the number of elements alone. So the result is the
// same for any number of threads and every run, to the last bit of a floating-point sum. One loop
// runs over the leaves of the tree, and one more over each level of combinations.
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

/// How many leaves the tree has, unless there are fewer elements: enough for hundreds of threads.
inline constexpr std::size_t most_leaves = 512;

/// Replaces the value of `into`, of which `left` is the value, by op(left, right). It makes a new T
/// first, because op may return a reference to one of its arguments, and T need not be assignable.
template <class Op, class T, class Right>
void combine(const Op& op, T& left, Right&& right, std::optional<T>& into) {
  T combined(detail::call(op, std::move(left), std::forward<Right>(right)));
  into.emplace(std::move(combined));
}

/// Combines `sum` with what f returns for the elements [begin, end) of one leaf, which come after
/// those that are in `sum` already.
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

/// The end of the leaf that begins at `begin`; `leaf` is the number of elements in a leaf.
constexpr std::size_t leaf_end(std::size_t begin, std::size_t leaf, std::size_t n) noexcept {
  return n - begin < leaf ? n : begin + leaf;
}

/// Calls body(begin, end) for each of the leaves [first, last) in turn. A body that returns a bool
/// ends the loop by false, and then false is returned here too.
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

/// Combines the values that f returns for the elements of each leaf, from left to right. `plain`
/// are the options of the loop over leaves: they neither end it nor report progress.
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

/// The same with options that end the loop early or report progress. They count elements, not
/// leaves, so each leaf is run by the controlled body. When the options end the loop, `control`
/// throws, and the leaves that are incomplete by then are discarded.
template <class E, class T, class Op, class Calls>
void reduce_leaves(controller control, const control_request& request, E& executor,
                   const typename E::call_options& plain, const Op& op, const Calls& calls,
                   std::size_t leaf, std::vector<std::optional<T>>& leaves) {
  const std::size_t n = calls.size();
  const auto elements = [&](std::size_t begin, std::size_t end) { // the next ones of one leaf
    extend(leaves[begin / leaf], op, calls, begin, end);
  };
  const auto run = [&](const loop_body& controlled) {
    const auto part = [&](std::size_t first, std::size_t last) {
      return run_leaves(controlled, first, last, leaf, n);
    };
    if constexpr (requires { body_may_end_loop(executor); })
      bulk_execute(executor, leaves.size(), plain, part);
    else // the executor ignores what a body returns: each remaining leaf is asked for and skipped
      bulk_execute(executor, leaves.size(), plain, [&](std::size_t first, std::size_t last) {
        static_cast<void>(part(first, last));
      });
  };
  control(request, n, loop_body(elements), loop_runner(run));
}

/// Combines pairs of neighbouring leaves, then pairs of these, until the first leaf has all of
/// them.
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

/// Options that may end a loop early or report progress, such as those of this library's executors.
template <class Options>
concept controllable = requires(const Options& options) {
  options.stop.query();
  options.deadline.ns_left();
  options.progress.call();
};

/// A call's options for its loops over leaves and pairs: without those that count elements, but,
/// for example, with the number of threads.
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
/// - `executor`, `xs`, `f`: as for map().
/// - `initial`: takes part once, as the leftmost operand. If there are no elements, it is the
///   result. Its type T is the type of the result.
/// - `op`: called on many threads at once as op(T, T) and op(T, what f returns), and returns a T.
///   It is associative, else the result depends on the shape of the tree. It need not be
///   commutative.
/// - `options`: as for map(). `grain` is the number of elements in a leaf, which are combined one
///   after another; by default 1/512 of all elements.
///
/// Result: the tree depends on the number of elements and on options.grain alone. So the result is
/// the same for any number of threads and every run, including the rounding of floating-point sums.
/// With -ffast-math this is not promised: the compiler may make the loop's body twice and optimise
/// each copy differently, so that one thread and two differ in the last bits.
///
/// Exceptions: if f or op throws in leaves, the exception of the lowest leaf is rethrown. Leaves
/// come before all combinations of leaves.
///
/// Stop and deadline are checked before each element, progress counts elements, and a rate counts
/// calls of f, as with map(). When all elements are done, the leaves are combined without further
/// checks. On an io_pool, options.in_flight limits the threads that call f or op at once. Threads,
/// lifetimes and cost are as for map(). Allocates up to 512 (or n / grain) optional<T>.
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
