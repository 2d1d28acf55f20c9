// Single tasks that wait for a worker, first in, first out; beside the loops that it can join.
//
// The queue is intrusive: to queue a task allocates nothing and cannot fail. Entered from
// scheduler.hpp; what a task is, is decided in thread_pool.hpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>

namespace parallel::detail {

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
  queued_task* next_ = nullptr;
};

class task_queue {
 public:
  [[gnu::cold]] void push(queued_task& task) noexcept {
    const std::lock_guard lock(mutex_);
    (last_ != nullptr ? last_->next_ : first_) = &task;
    last_ = &task;
    size_.fetch_add(1); // seq_cst: the publisher's store, see idle_set
  }

  /// The task that has waited longest, or null.
  [[gnu::cold]] queued_task* pop() noexcept {
    if (empty())
      return nullptr;
    const std::lock_guard lock(mutex_);
    queued_task* const task = first_;
    if (task == nullptr)
      return nullptr;
    first_ = task->next_;
    if (first_ == nullptr)
      last_ = nullptr;
    size_.fetch_sub(1, std::memory_order_relaxed); // relaxed: a hint that is too large is only that
    return task;
  }

  [[nodiscard]] bool empty() const noexcept {
    return size_.load() == 0; // seq_cst: the sleeper's last look, see idle_set
  }

 private:
  std::mutex mutex_; // guards the list
  queued_task* first_ = nullptr;
  queued_task* last_ = nullptr;
  std::atomic<std::size_t> size_{0};
};

} // namespace parallel::detail
