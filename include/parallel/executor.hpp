// What an executor is: something that algorithms run on, such as thread_pool, io_pool and `serial`.
//
// The two concepts name the functions that an executor provides. Algorithms find them by
// argument-dependent lookup, so an executor of your own needs no base class.
#pragma once

#include <concepts>
#include <cstddef>

namespace parallel {

namespace detail {

class queued_task;
class task_listener;

/// Executors whose entry has its name of version 1.0.
template <class E>
concept has_run_loop = requires(E& e, const typename E::call_options& options,
                                void (*body)(std::size_t, std::size_t)) {
  run_loop(e, std::size_t{}, options, body);
};

} // namespace detail

/// Runs a loop on an executor of version 1.0, which called its entry run_loop.
template <detail::has_run_loop E, class Body>
[[deprecated("parallel: an executor's run_loop is called bulk_execute now")]] void
bulk_execute(E& e, std::size_t n, const typename E::call_options& options, const Body& body) {
  run_loop(e, n, options, body);
}

/// Something that algorithms run on: thread_pool, io_pool, `serial`, or a type of your own.
///
/// - E::call_options is what a single call can be told, and default-constructible.
/// - bulk_execute(executor, n, options, body) calls body(begin, end) for disjoint ranges that
///   together cover [0, n), and returns when all calls have ended. If any has thrown, it rethrows
///   the exception of the lowest range. (The name is std::execution's.)
/// - prepare_memory(executor, memory, bytes) is optional. Algorithms call it before they construct
///   results of 64 KiB or more in that memory.
template <class E>
concept executor = requires(E& e, const typename E::call_options& options,
                            void (*body)(std::size_t, std::size_t)) {
  requires std::default_initializable<typename E::call_options>;
  bulk_execute(e, std::size_t{}, options, body);
};

/// An executor that also runs single tasks, as imap and as_completed need it.
///
/// - run_later(executor, task) queues a task; it returns false if it has not.
/// - most_helpers(executor) is how many such tasks can run at once. usual_helpers(executor) is
///   optional: how many a call asks for if it is not told.
/// - dismiss_helpers(executor, owner) discards the owner's tasks that nobody has begun.
/// - run_own_task(executor) runs the task that the calling task has queued last, if there is one.
/// - Between add_listener(executor, listener) and remove_listener(executor, listener) the listener
///   is told when tasks end.
///
/// The types are those of detail/task/task_list.hpp and detail/task/task_listeners.hpp.
template <class E>
concept task_executor = executor<E> &&
    requires(E& e, detail::queued_task& task, detail::task_listener& listener, const void* owner) {
  { run_later(e, task) } -> std::same_as<bool>;
  { most_helpers(e) } -> std::same_as<std::size_t>;
  { run_own_task(e) } -> std::same_as<bool>;
  dismiss_helpers(e, owner);
  add_listener(e, listener);
  remove_listener(e, listener);
};

} // namespace parallel
