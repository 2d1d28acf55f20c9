// Single tasks that wait for a worker, first in, first out; beside the loops that it can join.
//
// The queue is intrusive: to queue a task allocates nothing and cannot fail. A piece of code that
// queues tasks and then waits for them can take its own ones back (a `task_frame`). Entered from
// scheduler.hpp; what a task is, is decided in thread_pool.hpp
// and stream.hpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>

namespace parallel::detail {

class task_queue;
class task_frame;

/// Work for one thread, to be run once. It deletes itself.
class queued_task {
 public:
  queued_task() = default;
  queued_task(const queued_task&) = delete;
  queued_task& operator=(const queued_task&) = delete;
  virtual ~queued_task() = default;

  virtual void run() noexcept = 0;

 private:
  friend class task_queue;
  queued_task* ahead_ = nullptr;  // in the queue
  queued_task* behind_ = nullptr; // in the queue
  task_frame* frame_ = nullptr;   // that has queued it
  queued_task* older_ = nullptr;  // of the same frame, in the same queue
  queued_task* newer_ = nullptr;  // likewise
};

/// One task, or one thread's part in a loop, while it runs: it knows which of the tasks that it has
/// queued nobody has begun. It follows the queue of its own pool only, which outlives it.
class task_frame {
 public:
  explicit task_frame(task_queue& queue) noexcept : queue_(queue) {}
  task_frame(const task_frame&) = delete;
  task_frame& operator=(const task_frame&) = delete;
  ~task_frame();

 private:
  friend class task_queue;
  task_queue& queue_;
  bool used_ = false;             // its thread's alone
  queued_task* newest_ = nullptr; // guarded by the queue's mutex
};

class task_queue {
 public:
  /// `frame` is what queues the task; null where that is not known.
  [[gnu::cold]] void push(queued_task& task, task_frame* frame) noexcept {
    const std::lock_guard lock(mutex_);
    task.ahead_ = last_;
    (last_ != nullptr ? last_->behind_ : first_) = &task;
    last_ = &task;
    if (frame != nullptr && &frame->queue_ == this) {
      frame->used_ = true;
      task.frame_ = frame;
      task.older_ = frame->newest_;
      if (task.older_ != nullptr)
        task.older_->newer_ = &task;
      frame->newest_ = &task;
    }
    size_.fetch_add(1); // seq_cst: the publisher's store, see idle_set
  }

  /// The task that has waited longest, or null.
  [[gnu::cold]] queued_task* pop() noexcept {
    if (empty())
      return nullptr;
    const std::lock_guard lock(mutex_);
    return take(first_);
  }

  /// The task that `frame` has queued last, of those that nobody has begun, or null.
  [[gnu::cold]] queued_task* pop_own(const task_frame& frame) noexcept {
    if (&frame.queue_ != this)
      return nullptr;
    const std::lock_guard lock(mutex_);
    return take(frame.newest_);
  }

  [[nodiscard]] bool empty() const noexcept {
    return size_.load() == 0; // seq_cst: the sleeper's last look, see idle_set
  }

 private:
  friend class task_frame;

  queued_task* take(queued_task* task) noexcept {
    if (task == nullptr)
      return nullptr;
    (task->ahead_ != nullptr ? task->ahead_->behind_ : first_) = task->behind_;
    (task->behind_ != nullptr ? task->behind_->ahead_ : last_) = task->ahead_;
    if (task->frame_ != nullptr) {
      if (task->older_ != nullptr)
        task->older_->newer_ = task->newer_;
      (task->newer_ != nullptr ? task->newer_->older_ : task->frame_->newest_) = task->older_;
    }
    size_.fetch_sub(1, std::memory_order_relaxed); // relaxed: a hint that is too large is only that
    return task;
  }

  /// The frame ends: its tasks are nobody's.
  [[gnu::cold]] void disown(task_frame& frame) noexcept {
    const std::lock_guard lock(mutex_);
    while (queued_task* const task = frame.newest_) {
      frame.newest_ = task->older_;
      task->frame_ = nullptr;
      task->older_ = nullptr;
      task->newer_ = nullptr;
    }
  }

  std::mutex mutex_; // guards both kinds of lists
  queued_task* first_ = nullptr;
  queued_task* last_ = nullptr;
  std::atomic<std::size_t> size_{0};
};

inline task_frame::~task_frame() {
  if (used_)
    queue_.disown(*this);
}

} // namespace parallel::detail
