// What the calling thread runs for a pool right now: a task, or its part of a loop.
//
// Frames lie on the thread's stack. Each one knows the frame that encloses it, of whatever pool. A
// frame keeps the tasks that it has queued in any pool, so that a thread that waits for one of them
// can run it. It also knows whether its pool could shut down without this thread.
#pragma once

#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/detail/task/thread_context.hpp>

#include <new>
#include <utility>

namespace parallel::detail {

class task_frame {
 public:
  /// What a pool has to know of the thread that runs a frame.
  struct status {
    bool in_task = false;   ///< the thread runs a task, or a part of a loop within one
    bool is_needed = false; ///< the pool's shutdown would wait for the thread
  };

  /// The calling thread starts to run something for `pool`: `task`, or part of a loop if it is
  /// null. A flag that is set in an enclosing frame of the same pool is set in this one too.
  task_frame(const void* pool, status own, const queued_task* task = nullptr) noexcept
      : pool_(pool), task_(task), enclosing_(std::exchange(this_thread.frame, this)), status_(own) {
    if (const task_frame* const outer = nearest(pool, enclosing_)) {
      status_.in_task |= outer->status_.in_task;
      status_.is_needed |= outer->status_.is_needed;
    }
  }
  task_frame(const task_frame&) = delete;
  task_frame& operator=(const task_frame&) = delete;
  ~task_frame() {
    this_thread.frame = enclosing_;
    for (frame_tasks* each = tasks_; each != nullptr;) {
      frame_tasks* const next = each->next();
      each->end_frame();
      each = next;
    }
  }

  /// The calling thread's innermost frame of any pool, or null.
  [[nodiscard]] static task_frame* innermost() noexcept { return this_thread.frame; }

  /// The calling thread's innermost frame of `pool`, or null.
  [[nodiscard]] static const task_frame* of(const void* pool) noexcept {
    return nearest(pool, this_thread.frame);
  }

  /// The calling thread's status in `pool`.
  [[nodiscard]] static status status_in(const void* pool) noexcept {
    const task_frame* const frame = of(pool);
    return frame != nullptr ? frame->status_ : status();
  }

  /// The task that the frame runs, or null for a part of a loop.
  [[nodiscard]] const queued_task* task() const noexcept { return task_; }
  [[nodiscard]] const task_frame* enclosing() const noexcept { return enclosing_; }

  /// The tasks that this frame has queued in `list`, or null if it has queued none there.
  [[nodiscard]] frame_tasks* tasks_in(const task_list& list) const noexcept {
    frame_tasks* each = tasks_;
    while (each != nullptr && each->list() != &list)
      each = each->next();
    return each;
  }

  /// The same, made if it does not exist yet; null if there is no memory for it. Only the frame's
  /// own thread calls it.
  [[nodiscard]] frame_tasks* find_or_make_tasks_in(const task_list& list) noexcept {
    if (frame_tasks* const found = tasks_in(list))
      return found;
    auto* const made = new (std::nothrow) frame_tasks(list, tasks_);
    if (made != nullptr)
      tasks_ = made;
    return made;
  }

 private:
  [[nodiscard]] static const task_frame* nearest(const void* pool,
                                                 const task_frame* from) noexcept {
    while (from != nullptr && from->pool_ != pool)
      from = from->enclosing_;
    return from;
  }

  const void* const pool_;
  const queued_task* const task_;
  task_frame* const enclosing_;
  frame_tasks* tasks_ = nullptr; // the first of one for each list
  status status_;
};

/// The submitter of a task that the calling thread is about to queue.
struct found_submitter {
  frame_tasks* tasks; // null: the task has no submitter
  bool has_no_memory; // the submitter cannot be recorded, so the task must not be queued
};

/// Finds the submitter of `task`, before it is queued in `list`: the calling thread's innermost
/// frame. A helper has none, because it runs whatever its owner needs, not one particular thing
/// that a frame could wait for.
PARALLEL_DETAIL_COMPACT inline found_submitter find_submitter(const queued_task& task,
                                                              const task_list& list) noexcept {
  task_frame* const frame = task_frame::innermost();
  if (frame == nullptr || task.owner() != nullptr)
    return {nullptr, false};
  frame_tasks* const tasks = frame->find_or_make_tasks_in(list);
  return {tasks, tasks == nullptr};
}

} // namespace parallel::detail
