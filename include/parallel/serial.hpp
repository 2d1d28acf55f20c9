// An executor without threads: every call is the plain loop on the calling thread.
//
// For debugging: map and its family, submit() and map_async() with the options and exceptions that
// they have on a pool, one element after another. The least that an executor has to provide
// (options.hpp says what that is); next: detail/control/controlled_body.hpp.
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

/// Runs the elements in order on the calling thread; `grain` changes nothing. Any number of threads
/// may use it at once.
class serial_executor {
 public:
  /// What a call on it can be told.
  using call_options = map_options;

  /// Runs f() at once and returns a ready std::future of its result or exception.
  template <class F>
  auto submit(F&& f) {
    auto task = std::make_unique<detail::submitted_task<std::decay_t<F>>>(std::forward<F>(f));
    auto result = task->get_future();
    task.release()->run(); // deletes itself
    return result;
  }

  /// future.get(); of a shared_future, a copy of the result.
  template <class Future>
  detail::result_of<Future> get(Future future) {
    return future.get();
  }

  /// What an executor provides to algorithms; see the concept `executor`.
  template <class Body>
  friend void bulk_execute(serial_executor&, std::size_t n, const map_options& options,
                           const Body& body) {
    const detail::controller controller = detail::controller_of(options);
    if (controller == nullptr) {
      static_cast<void>(body(0, n)); // whether it would go on
      return;
    }
    const auto run = [n](const detail::loop_body& controlled) { controlled(0, n); };
    controller(detail::request_of(options), n, detail::loop_body(body), detail::loop_runner(run));
  }

  /// Its loops end when a body returns false: see detail/lite/loop_body.hpp.
  friend void body_may_end_loop(const serial_executor&) noexcept {}

  /// Likewise: nobody computes ahead, and no task is ever queued; see `task_executor`.
  friend bool run_later(serial_executor&, detail::queued_task&) noexcept { return false; }
  friend void dismiss_helpers(serial_executor&, const void*) noexcept {}
  friend std::size_t most_helpers(const serial_executor&) noexcept { return 0; }
  friend bool run_own_task(serial_executor&) noexcept { return false; }
  friend void add_listener(serial_executor&, detail::task_listener&) noexcept {}
  friend void remove_listener(serial_executor&, detail::task_listener&) noexcept {}
};

/// parallel::map(parallel::serial, xs, f).
inline constinit serial_executor serial;

} // namespace parallel
