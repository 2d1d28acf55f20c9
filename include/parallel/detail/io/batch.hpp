// Tasks that a thread has taken from a queue several at a time, so that it need not come to the
// queue's mutex for each of them.
//
// They are its to begin one by one, without the mutex; what it has not begun when somebody closes
// the hand goes back to the queue's front. Filled and closed in io/queue.hpp; the thread's side is
// in io/scheduler.hpp.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <cstddef>

namespace parallel::detail {

class queued_task;

/// Filled once, under the queue's mutex, and closed once, likewise; its thread claims in between.
class task_batch {
 public:
  [[nodiscard]] bool is_full() const noexcept { return size_ == most; }

  void add(queued_task& task) noexcept { tasks_[size_++] = &task; }

  /// Its thread: the next task, to be begun; null if there is none any more.
  [[nodiscard]] queued_task* claim() noexcept {
    // relaxed: the tasks are this thread's own to read; who closes the hand shares the mutex with
    // it, and the two agree by the order of changes to this number alone.
    const std::size_t next = begun_.fetch_add(1, memory_order_relaxed);
    return next < size_ ? tasks_[next] : nullptr;
  }

  /// From now on none can be claimed. Calls put_back(task) for those that have not been, the last
  /// one first, and returns how many have been.
  template <class PutBack>
  std::size_t close(const PutBack& put_back) noexcept {
    const std::size_t reached = begun_.exchange(most, memory_order_relaxed); // as in claim()
    const std::size_t begun = reached < size_ ? reached : size_;
    for (std::size_t i = size_; i-- > begun;)
      put_back(*tasks_[i]);
    return begun;
  }

 private:
  static constexpr std::size_t most = 16;

  queued_task* tasks_[most] = {};
  std::size_t size_ = 0;
  atomic<std::size_t> begun_{0};
};

} // namespace parallel::detail
