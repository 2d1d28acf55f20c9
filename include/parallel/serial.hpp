// An executor without threads: every call is the plain loop on the calling thread.
//
// It is for debugging: map and its family, submit() and map_async() have the same options and
// exceptions as on a pool, and run one element after another. It is also an example of an executor
// (executor.hpp says what one provides).
#pragma once

#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/task/submitted_task.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/detail/task/task_listeners.hpp>
#include <parallel/options.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace parallel {

/// Runs the elements in their order on the calling thread. `grain` has no effect, except in
/// map_reduce. Any number of threads may use it at once.
class serial_executor {
 public:
  /// The type of a call's options.
  using call_options = map_options;

  /// Runs f() at once, on the calling thread, and returns a ready std::future of its result or
  /// exception. `f` is moved or copied in and may be move-only. Throws std::bad_alloc.
  template <class F>
  auto submit(F&& f) {
    auto task = std::make_unique<detail::submitted_task<std::decay_t<F>>>(std::forward<F>(f));
    auto result = task->get_future();
    task.release()->run(); // deletes itself
    return result;
  }

  /// Returns future.get(): the result of a task, or its exception. For a shared_future it returns a
  /// copy of the result. It waits if the future is not ready.
  template <class Future>
  detail::result_of<Future> get(Future future) {
    return future.get();
  }

  // What an executor provides to algorithms: see the concept `executor`.
  template <class Body>
  friend void bulk_execute(serial_executor&, std::size_t n, const map_options& options,
                           const Body& body) {
    const detail::controller controller = detail::controller_of(options);
    if (controller == nullptr) {
      static_cast<void>(body(0, n)); // the loop is over, whether or not the body has ended it
      return;
    }
    const auto run = [n](const detail::loop_body& controlled) { controlled(0, n); };
    controller(detail::request_of(options), n, detail::loop_body(body), detail::loop_runner(run));
  }

  // Its loops end when a body returns false: see detail/lite/loop_body.hpp.
  friend void body_may_end_loop(const serial_executor&) noexcept {}

  // What a `task_executor` provides. No task is ever queued, so imap computes each element when it
  // is asked for.
  friend bool run_later(serial_executor&, detail::queued_task&) noexcept { return false; }
  friend void dismiss_helpers(serial_executor&, const void*) noexcept {}
  friend std::size_t most_helpers(const serial_executor&) noexcept { return 0; }
  friend bool run_own_task(serial_executor&) noexcept { return false; }
  friend void add_listener(serial_executor&, detail::task_listener&) noexcept {}
  friend void remove_listener(serial_executor&, detail::task_listener&) noexcept {}
};

/// The executor without threads: parallel::map(parallel::serial, xs, f) is the plain loop.
inline constinit serial_executor serial;

} // namespace parallel
