// map_async: a map that goes on while its caller does something else; its results are a future.
//
// A task that maps: submit() of the executor (thread_pool.hpp, io_pool.hpp, serial.hpp) around
// map() (map.hpp).
#pragma once

#include <parallel/map.hpp>
#include <parallel/options.hpp>
#include <parallel/thread_pool.hpp>

#include <ranges>
#include <type_traits>
#include <utility>

namespace parallel {

/// Starts map(executor, xs, f, options) as a task of the executor and returns a std::future of its
/// result or exception at once.
///
/// - `executor`: a thread_pool or an io_pool; `serial` has done it all when this returns.
/// - `xs`: kept by the task: a range given as an rvalue, std::move(xs), or a view or span, whose
///   elements must then outlive the call. A container given as an lvalue does not compile.
/// - `f`: kept by the task, moved or copied in.
/// - `options`: what they refer to must outlive the call; a duration as deadline counts from when
///   the task begins.
///
/// Throws what submit() throws. The future's destructor does not wait. Within a task or an element,
/// wait for it with the executor's get().
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
