// Tasks that one thread takes from a queue all at once, so that it locks the queue's mutex once for
// up to 16 tasks.
//
// The thread starts them one by one without the mutex. Any thread may close the batch under the
// mutex meanwhile: the tasks that have not been started then go back to the front of the queue.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <cstddef>

namespace parallel::detail {

class queued_task;

/// Filled once and closed once, both under the queue's mutex. In between its thread takes tasks
/// from it.
class task_batch {
 public:
  [[nodiscard]] bool is_full() const noexcept { return size_ == max_size; }

  void add(queued_task& task) noexcept { tasks_[size_++] = &task; }

  /// The next task, which the calling thread has to run; null when none is left. Only the batch's
  /// own thread calls this.
  [[nodiscard]] queued_task* take_next() noexcept {
    // relaxed: this thread has filled tasks_ itself, and the thread that closes the batch shares
    // the mutex with it. Which of the two gets a task depends only on the order of changes to
    // next_.
    const std::size_t next = next_.fetch_add(1, memory_order_relaxed);
    return next < size_ ? tasks_[next] : nullptr;
  }

  /// No task can be taken any more. Calls put_back(task) for each one that has not been taken, the
  /// last one first, and returns how many have been taken.
  template <class PutBack>
  std::size_t close(const PutBack& put_back) noexcept {
    const std::size_t next = next_.exchange(max_size, memory_order_relaxed); // as in take_next()
    const std::size_t taken = next < size_ ? next : size_;
    for (std::size_t i = size_; i-- > taken;)
      put_back(*tasks_[i]);
    return taken;
  }

 private:
  static constexpr std::size_t max_size = 16;

  queued_task* tasks_[max_size] = {};
  std::size_t size_ = 0;
  atomic<std::size_t> next_{0};
};

} // namespace parallel::detail
