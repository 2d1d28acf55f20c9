// Single tasks that wait for a thread, first in, first out; beside the loops that it can join.
//
// The list is intrusive: to queue a task allocates nothing and cannot fail. A piece of code that
// queues tasks and then waits for them can take its own ones back (a `task_frame`). Entered from
// task_queue.hpp (thread_pool's) and io_queue.hpp, whose owners guard it; what a task is, is
// decided in submitted_task.hpp, io_loop.hpp and stream.hpp.
#pragma once

#include <parallel/detail/lock_guard.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>

#include <utility>

namespace parallel::detail {

class task_frame;
class task_list;

/// Work for one thread: either run or discarded, once. Then it deletes itself.
class queued_task {
 public:
  /// `helped`: what the task is a helper for, which can do without it; null for one with a future.
  explicit queued_task(const void* helped = nullptr) noexcept : helped_(helped) {}
  queued_task(const queued_task&) = delete;
  queued_task& operator=(const queued_task&) = delete;
  virtual ~queued_task() = default;

  virtual void run() noexcept = 0;
  virtual void discard() noexcept = 0;

  [[nodiscard]] const void* helped() const noexcept { return helped_; }

  /// Nobody who has queued it may take it back, and nobody can do without it.
  [[nodiscard]] bool is_anybodys() const noexcept {
    return helped_ == nullptr && frame_ == nullptr;
  }

 private:
  friend class task_frame;
  friend class task_list;
  const void* const helped_;
  queued_task* ahead_ = nullptr;  // in the list
  queued_task* behind_ = nullptr; // in the list
  task_frame* frame_ = nullptr;   // that has queued it
  queued_task* older_ = nullptr;  // of the same frame, in the same list
  queued_task* newer_ = nullptr;  // likewise
};

/// Tasks in the order in which they have come. Guarded by its owner's mutex.
class task_list {
 public:
  task_list() = default;
  task_list(const task_list&) = delete;
  task_list& operator=(const task_list&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

  /// `frame` is what queues the task; null where that is not known, or elsewhere.
  [[gnu::cold]] inline void push(queued_task& task, task_frame* frame) noexcept;

  /// The task that has waited longest, or null.
  [[nodiscard]] const queued_task* front() const noexcept { return first_; }
  queued_task* pop() noexcept { return take(first_); }

  /// A task that has been popped, and is not to be run yet.
  [[gnu::cold]] inline void put_back(queued_task& task) noexcept;

  /// The task that `frame` has queued last, of those that nobody has begun, or null.
  [[gnu::cold]] inline queued_task* pop_own(const task_frame& frame) noexcept;

  /// Moves those for which is_wanted(task) is true to the end of another list, and returns how many
  /// they are.
  template <class Wanted>
  std::size_t move_to(task_list& other, const Wanted& is_wanted) noexcept {
    std::size_t moved = 0;
    for (queued_task* task = first_; task != nullptr;) {
      queued_task* const next = task->behind_;
      if (is_wanted(*task)) {
        other.push(*take(task), nullptr);
        ++moved;
      }
      task = next;
    }
    return moved;
  }

  /// Discards what is there: in a list of the caller's own, as it runs the users' destructors.
  [[gnu::cold]] void discard_all() noexcept {
    while (queued_task* const task = pop())
      task->discard();
  }

 private:
  friend class task_frame;

  [[gnu::cold]] inline queued_task* take(queued_task* task) noexcept;

  queued_task* first_ = nullptr;
  queued_task* last_ = nullptr;
};

/// One task, or one thread's part in a loop, while it runs: it knows which of the tasks that it has
/// queued nobody has begun. It follows the list of its own pool only, which outlives it.
class task_frame {
 public:
  /// The frame of what the calling thread runs from now on. `guard` is the list's mutex.
  task_frame(task_list& list, mutex& guard) noexcept
      : list_(list), guard_(guard), around_(std::exchange(innermost_, this)) {}
  task_frame(const task_frame&) = delete;
  task_frame& operator=(const task_frame&) = delete;
  ~task_frame() {
    innermost_ = around_;
    if (used_)
      disown();
  }

  /// The calling thread's, or null.
  [[nodiscard]] static task_frame* innermost() noexcept { return innermost_; }

 private:
  friend class task_list;

  /// What is left is nobody's.
  [[gnu::cold]] void disown() noexcept {
    const lock_guard lock(guard_);
    while (queued_task* const task = newest_) {
      newest_ = task->older_;
      task->frame_ = nullptr;
      task->older_ = nullptr;
      task->newer_ = nullptr;
    }
  }

  static inline constinit thread_local per_thread<task_frame*> innermost_ = nullptr;

  task_list& list_;
  mutex& guard_;
  task_frame* const around_;
  bool used_ = false;             // its thread's alone
  queued_task* newest_ = nullptr; // guarded
};

inline void task_list::push(queued_task& task, task_frame* frame) noexcept {
  task.ahead_ = last_;
  (last_ != nullptr ? last_->behind_ : first_) = &task;
  last_ = &task;
  if (frame != nullptr && &frame->list_ == this) {
    frame->used_ = true;
    task.frame_ = frame;
    task.older_ = frame->newest_;
    if (task.older_ != nullptr)
      task.older_->newer_ = &task;
    frame->newest_ = &task;
  }
}

inline void task_list::put_back(queued_task& task) noexcept {
  task.behind_ = first_;
  (first_ != nullptr ? first_->ahead_ : last_) = &task;
  first_ = &task;
}

inline queued_task* task_list::pop_own(const task_frame& frame) noexcept {
  return &frame.list_ == this ? take(frame.newest_) : nullptr;
}

inline queued_task* task_list::take(queued_task* task) noexcept {
  if (task == nullptr)
    return nullptr;
  (task->ahead_ != nullptr ? task->ahead_->behind_ : first_) = task->behind_;
  (task->behind_ != nullptr ? task->behind_->ahead_ : last_) = task->ahead_;
  task->ahead_ = nullptr;
  task->behind_ = nullptr;
  if (task->frame_ != nullptr) {
    if (task->older_ != nullptr)
      task->older_->newer_ = task->newer_;
    (task->newer_ != nullptr ? task->newer_->older_ : task->frame_->newest_) = task->older_;
    task->frame_ = nullptr;
    task->older_ = nullptr;
    task->newer_ = nullptr;
  }
  return task;
}

} // namespace parallel::detail
