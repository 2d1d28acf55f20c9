// map_async: a map that runs in the background; its caller gets a future of the results.
//
// It submits a task to the executor (thread_pool.hpp, io_pool.hpp, serial.hpp), and the task calls
// map() (map.hpp).
#pragma once

#include <parallel/map.hpp>
#include <parallel/options.hpp>
#include <parallel/thread_pool.hpp>

#include <ranges>
#include <type_traits>
#include <utility>

namespace parallel {

/// Starts map(executor, xs, f, options) as a task of the executor, and returns at once a
/// std::future of the result or exception.
///
/// - `executor`: a thread_pool or an io_pool, which must outlive the task. On `serial` the map is
///   finished when this function returns.
/// - `xs`: the task keeps it. Give a container as an rvalue, std::move(xs); an lvalue does not
///   compile. Of a view or a span the task keeps a copy, and the elements must outlive the call.
/// - `f`: moved or copied into the task.
/// - `options`: copied into the task. What they refer to must outlive the call. A deadline that is
///   a duration counts from the moment when the task begins.
///
/// Throws what submit() of the executor throws: see thread_pool::submit(). The future's destructor
/// does not wait. Inside a task or an element, wait for the future with the executor's get().
/// Thread-safe.
template <executor E, std::ranges::input_range R, class F>
auto map_async(E& executor, R&& xs, F&& f, const typename E::call_options& options = {}) {
  static_assert(std::ranges::view<std::remove_cvref_t<R>> || !std::is_lvalue_reference_v<R>,
                "parallel::map_async: the call goes on after this line, and needs its range then. "
                "Move the range in with std::move, or pass a view or std::span of one that "
                "outlives the call.");
  return executor.submit([&executor, xs = std::decay_t<R>(std::forward<R>(xs)),
                          f = std::decay_t<F>(std::forward<F>(f)),
                          options]() mutable { return parallel::map(executor, xs, f, options); });
}

/// map_async() on the default pool.
template <std::ranges::input_range R, class F>
auto map_async(R&& xs, F&& f, const map_options& options = {}) {
  return parallel::map_async(default_pool(), std::forward<R>(xs), std::forward<F>(f), options);
}

} // namespace parallel
