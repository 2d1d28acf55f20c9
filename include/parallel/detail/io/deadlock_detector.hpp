// Tells when no thread is left that could end the waits of an io_pool's threads and callers.
//
// Every thread that works for the pool notes what it waits for. Where all of them wait, each for a
// task that is queued or for another one that waits, and no thread is left to run what is queued,
// the waits never end.
#pragma once

#include <parallel/detail/io/queue.hpp>
#include <parallel/detail/task/pending_wait.hpp>
#include <parallel/detail/task/task_frame.hpp>
#include <parallel/detail/task/task_list.hpp>

#include <cstddef>
#include <string>
#include <system_error>

namespace parallel::detail {

/// Guarded by the mutex of the pool, as is the queue.
class deadlock_detector {
 public:
  explicit deadlock_detector(const io_queue& queue) noexcept : queue_(queue) {}
  deadlock_detector(const deadlock_detector&) = delete;
  deadlock_detector& operator=(const deadlock_detector&) = delete;

  /// Counts a thread that is none of the pool's and works for it: it runs a task or a loop of it.
  void add_outside_thread() noexcept { ++outside_threads_; }
  void remove_outside_thread() noexcept { --outside_threads_; }

  /// Notes a wait of the calling thread, which works for the pool, until remove_wait().
  void add_wait(pending_wait& wait) noexcept { waits_.add(wait, task_frame::innermost()); }
  void remove_wait(pending_wait& wait) noexcept { waits_.remove(wait); }

  /// Whether all threads that work for the pool wait, none of the waits is over or may end by
  /// itself, and no thread of another pool may run what is queued here. `own_threads` is how many
  /// threads the pool has; one more thread could still help. The queue's batch must have been
  /// reclaimed.
  [[nodiscard]] bool no_thread_can_go_on(std::size_t own_threads) const noexcept {
    if (waits_.size() != own_threads + outside_threads_)
      return false;
    const unfinished known(*this);
    const bool one_may_end = waits_.any_of([&](const pending_wait& each, const task_frame*) {
      return each.is_over() || !each.depends_on(known);
    });
    return !one_may_end &&
           !queue_.any_of([this](const queued_task& task) { return may_run_elsewhere(task); });
  }

  /// The error of a wait that would never end.
  [[noreturn]] void refuse_wait() const {
    throw std::system_error(
        std::make_error_code(std::errc::resource_deadlock_would_occur),
        "parallel::io_pool: a wait within a task that would never end, as all threads that "
        "work for the pool (" +
            std::to_string(waits_.size()) +
            ") wait for each other, or for tasks that are queued (" +
            std::to_string(queue_.size()) + ") with no thread left to run them");
  }

 private:
  /// The tasks that are queued, or run by a thread that waits.
  class unfinished final : public unfinished_tasks {
   public:
    explicit unfinished(const deadlock_detector& detector) noexcept : detector_(detector) {}

    [[nodiscard]] bool include(const void* state) const noexcept override {
      const auto has_state = [state](const queued_task& task) {
        return task.shared_state() == state;
      };
      return detector_.queue_.any_of(has_state) ||
             detector_.waits_.any_of([&](const pending_wait&, const task_frame* frame) {
               for (; frame != nullptr; frame = frame->enclosing())
                 if (frame->task() != nullptr && has_state(*frame->task()))
                   return true;
               return false;
             });
    }

   private:
    const deadlock_detector& detector_;
  };

  /// Whether a thread of another pool has submitted the task and does not wait here: it may run the
  /// task itself.
  [[nodiscard]] bool may_run_elsewhere(const queued_task& task) const noexcept {
    const frame_tasks* const submitter = task.submitter();
    return submitter != nullptr &&
           !waits_.any_of([&](const pending_wait&, const task_frame* frame) {
             while (frame != nullptr && frame->tasks_in(queue_.list()) != submitter)
               frame = frame->enclosing();
             return frame != nullptr;
           });
  }

  const io_queue& queue_;
  pending_waits waits_;             // of all threads that work for the pool
  std::size_t outside_threads_ = 0; // that work for the pool
};

} // namespace parallel::detail
