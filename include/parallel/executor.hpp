// What an executor is: something that algorithms run on, such as thread_pool, io_pool and `serial`.
//
// The two concepts name the functions that an executor provides. Algorithms find them by
// argument-dependent lookup, so an executor of your own needs no base class. An executor that was
// written for version 1.0, whose entry point is run_loop, works through a deprecated overload.
#pragma once

#include <parallel/errors.hpp> // there must be exceptions

#include <concepts>
#include <cstddef>

namespace parallel {

namespace detail {

class queued_task;
class task_listener;

/// Executors whose entry point still has the name that it had in version 1.0.
template <class E>
concept has_run_loop = requires(E& e, const typename E::call_options& options,
                                void (*body)(std::size_t, std::size_t)) {
  run_loop(e, std::size_t{}, options, body);
};

} // namespace detail

/// Runs a loop on an executor of your own that was written for version 1.0: it has run_loop in
/// place of bulk_execute, with the same parameters. Rename its function to end the warning.
template <detail::has_run_loop E, class Body>
[[deprecated("parallel: an executor's run_loop is called bulk_execute now")]] void
bulk_execute(E& e, std::size_t n, const typename E::call_options& options, const Body& body) {
  run_loop(e, n, options, body);
}

/// Something that algorithms run on: thread_pool, io_pool, `serial`, or a type of your own.
///
/// An executor E provides a type and a function:
/// - E::call_options, the type of a call's options, is default-constructible.
/// - bulk_execute(executor, n, options, body) calls body(begin, end) for disjoint ranges that
///   together cover [0, n), on any threads, and returns when all these calls have ended. If any of
///   them throws, it rethrows the exception of the lowest range. (The name is std::execution's. In
///   version 1.0 it was run_loop, which still works and is deprecated.)
///
/// Two functions are optional:
/// - prepare_memory(executor, memory, bytes) is called before results of 64 KiB or more are
///   constructed in that memory.
/// - body_may_end_loop(executor) does nothing. It says that a body may return false to end the
/// loop,
///   after which bulk_execute starts no further range.
template <class E>
concept executor = requires(E& e, const typename E::call_options& options,
                            void (*body)(std::size_t, std::size_t)) {
  requires std::default_initializable<typename E::call_options>;
  bulk_execute(e, std::size_t{}, options, body);
};

/// An executor that also runs single tasks, which imap and as_completed need.
///
/// - run_later(executor, task) queues a task. It returns false if the task was not queued.
/// - most_helpers(executor) is how many such tasks can run at once. usual_helpers(executor) is
///   optional: how many of them a call uses unless its options say otherwise.
/// - dismiss_helpers(executor, owner) discards the tasks of `owner` that have not begun.
/// - run_own_task(executor) runs the task that was queued last by the task (or the element) that
///   runs on the calling thread. It returns false if there is none.
/// - add_listener(executor, listener) registers a listener, which is notified when a task ends,
///   until remove_listener(executor, listener).
///
/// The types are those of detail/task/task_list.hpp and detail/task/task_listeners.hpp, which may
/// change in any version.
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
