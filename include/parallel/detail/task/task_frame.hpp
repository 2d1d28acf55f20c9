// What the calling thread runs for a pool: a task, or its part in a loop.
//
// Frames lie on the stack, each knows the one around it, whatever pools they are of. A frame owns
// the tasks that it queues, in any pool, so that who waits for them can run them; and it says
// whether its pool could end without this thread. Entered from scheduler/scheduler.hpp and
// io/scheduler.hpp.
#pragma once

#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/detail/task/thread_context.hpp>

#include <new>
#include <utility>

namespace parallel::detail {

class task_frame {
 public:
  /// What a frame's thread is to its pool.
  struct role {
    bool in_task = false;   ///< it runs a task, or a part of a loop within one
    bool is_needed = false; ///< the pool's shutdown would wait for it
  };

  /// Of what the calling thread runs from now on for `pool`; `task` is null for a part of a loop.
  task_frame(const void* pool, role as, const queued_task* task = nullptr) noexcept
      : pool_(pool), task_(task), around_(std::exchange(this_thread.frame, this)), role_(as) {
    if (const task_frame* const outer = nearest(pool, around_)) {
      role_.in_task |= outer->role_.in_task;
      role_.is_needed |= outer->role_.is_needed;
    }
  }
  task_frame(const task_frame&) = delete;
  task_frame& operator=(const task_frame&) = delete;
  ~task_frame() {
    this_thread.frame = around_;
    for (frame_tasks* each = owned_; each != nullptr;) {
      frame_tasks* const next = each->next();
      each->abandon();
      each = next;
    }
  }

  /// The calling thread's, or null.
  [[nodiscard]] static task_frame* innermost() noexcept { return this_thread.frame; }

  /// The calling thread's innermost frame of `pool`, or null.
  [[nodiscard]] static const task_frame* of(const void* pool) noexcept {
    return nearest(pool, this_thread.frame);
  }

  /// What the calling thread is to `pool`.
  [[nodiscard]] static role role_in(const void* pool) noexcept {
    const task_frame* const frame = of(pool);
    return frame != nullptr ? frame->role_ : role();
  }

  [[nodiscard]] const queued_task* task() const noexcept { return task_; }
  [[nodiscard]] const task_frame* around() const noexcept { return around_; }

  /// Its thread: what it has queued in `list`, or null.
  [[nodiscard]] frame_tasks* owned_in(const task_list& list) const noexcept {
    frame_tasks* each = owned_;
    while (each != nullptr && each->list() != &list)
      each = each->next();
    return each;
  }

  /// Its thread, before it queues a task there: the same, made if need be; null without memory for
  /// it.
  [[nodiscard, gnu::cold]] frame_tasks* own_in(const task_list& list) noexcept {
    if (frame_tasks* const made = owned_in(list))
      return made;
    auto* const made = new (std::nothrow) frame_tasks(list, owned_);
    if (made != nullptr)
      owned_ = made;
    return made;
  }

 private:
  [[nodiscard]] static const task_frame* nearest(const void* pool,
                                                 const task_frame* from) noexcept {
    while (from != nullptr && from->pool_ != pool)
      from = from->around_;
    return from;
  }

  const void* const pool_;
  const queued_task* const task_;
  task_frame* const around_;
  frame_tasks* owned_ = nullptr; // by list
  role role_;
};

/// Whose a task is that the calling thread is about to queue.
struct submitter_of_task {
  frame_tasks* tasks; // null: nobody's
  bool has_no_memory; // to note whose it is: then it must not be queued
};

/// A helper is nobody's own: it runs whatever there is to help with.
[[gnu::cold]] inline submitter_of_task submitter_of(const queued_task& task,
                                                    const task_list& list) noexcept {
  task_frame* const frame = task_frame::innermost();
  if (frame == nullptr || task.owner() != nullptr)
    return {nullptr, false};
  frame_tasks* const tasks = frame->own_in(list);
  return {tasks, tasks == nullptr};
}

} // namespace parallel::detail
