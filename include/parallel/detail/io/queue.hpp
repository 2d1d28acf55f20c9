// The queue of an io_pool: its tasks in order, its capacity, and the batch that a thread has taken.
//
// Guarded by the mutex of its owner. Tasks in the batch count as queued until the queue learns that
// they have been started: reclaim_batch() finds out which have been, and takes the rest back.
#pragma once

#include <parallel/detail/io/batch.hpp>
#include <parallel/detail/io/capacity.hpp>
#include <parallel/detail/platform/backoff.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/task_list.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace parallel::detail {

class io_queue {
 public:
  /// With capacity for `limit` tasks, at least one.
  explicit io_queue(std::size_t limit) noexcept : capacity_(limit) {}

  /// How many tasks have not been started, as far as the queue knows. Without the mutex a hint.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_.load(memory_order_relaxed); // relaxed: a hint, or under the mutex
  }
  [[nodiscard]] bool is_empty() const noexcept { return tasks_.empty() && batch_ == nullptr; }

  /// How many tasks have ever been started, not counting helpers.
  [[nodiscard]] std::uint64_t started() const noexcept { return started_; }

  [[nodiscard]] bool has_waiting_submitters() const noexcept { return capacity_.has_waiters(); }

  /// Reserves capacity for one task; false if others wait for some, or if none is known to be free.
  /// Tasks in the batch still use theirs, even when they have been started.
  [[nodiscard]] bool try_reserve() noexcept { return capacity_.try_acquire(); }

  /// Reserves capacity for one task, after reclaiming the batch if there seems to be none; false if
  /// there is none then, or if others wait for some.
  [[nodiscard]] bool reclaim_and_reserve() noexcept {
    if (try_reserve())
      return true;
    reclaim_batch();
    return try_reserve();
  }

  /// Reserves capacity for one task, beyond the limit if need be.
  void reserve_beyond_limit() noexcept { capacity_.acquire_beyond_limit(); }

  /// Without the mutex: spins for a while, until the queue has shrunk below its low-water mark.
  /// Where tasks are quick, that takes less time than to sleep and be woken.
  void spin_for_capacity() const noexcept {
    backoff spin;
    while (size() >= capacity_.low_water_mark() && spin.pause_once())
      ;
  }

  /// Waits for capacity and reserves it for one task; beyond the limit after admit_all().
  void wait_and_reserve(std::unique_lock<mutex>& held) { capacity_.wait_and_acquire(held); }

  /// Gives reserved capacity back: its task will not come.
  void unreserve() noexcept { capacity_.release(); }

  /// Ends every wait for capacity, beyond the limit.
  void admit_all() noexcept { capacity_.admit_all(); }

  /// Adds a task, for which capacity has been reserved, or a helper. Helpers use no capacity: the
  /// limit is there to hold back submitters. `submitter` may run the task itself, if it is not
  /// null.
  void push(queued_task& task, frame_tasks* submitter) noexcept {
    tasks_.push(task, submitter);
    size_.store(size() + 1, memory_order_relaxed); // relaxed: as in size()
  }

  /// The oldest task, which the caller has to run; null if there is none.
  [[nodiscard]] queued_task* pop() noexcept {
    reclaim_batch();
    return start(tasks_.pop());
  }

  /// The submitter's newest task, which the caller has to run; null if there is none.
  [[nodiscard]] queued_task* pop_own(const frame_tasks& submitter) noexcept {
    return start(tasks_.pop_own(submitter));
  }

  /// The list, by which a task_frame finds the tasks that it has submitted here.
  [[nodiscard]] const task_list& list() const noexcept { return tasks_; }

  /// Whether found(task) is true of a queued task. The batch must have been reclaimed.
  template <class Found>
  [[nodiscard]] bool any_of(const Found& found) const noexcept {
    return tasks_.any_of(found);
  }

  /// Moves the tasks that have not been started, and for which is_wanted(task) is true, to another
  /// list.
  template <class Wanted>
  void move_to(task_list& other, const Wanted& is_wanted) noexcept {
    reclaim_batch();
    tasks_.move_to(other, [&](const queued_task& task) {
      const bool wanted = is_wanted(task);
      if (wanted)
        remove(task);
      return wanted;
    });
  }

  /// Fills a batch from the front, with tasks that only a thread of the pool may run. They
  /// stay queued until they are started; callers that need to know which have been started, or that
  /// may run them, reclaim the batch first.
  void fill(task_batch& batch) noexcept {
    while (!batch.is_full() && !tasks_.empty() && tasks_.front()->is_detached()) {
      batch.add(*tasks_.pop());
      batch_ = &batch;
    }
  }

  /// Closes the batch, if there is one: its tasks that have not been started are back at the front
  /// of the queue, as if they had never left, and the others no longer count as queued.
  void reclaim_batch() noexcept {
    if (batch_ == nullptr)
      return;
    std::size_t taken =
        std::exchange(batch_, nullptr)->close([this](queued_task& task) { tasks_.put_back(task); });
    shrink(taken);
    started_ += taken;
    for (; taken != 0; --taken)
      capacity_.release();
  }

 private:
  queued_task* start(queued_task* task) noexcept {
    if (task != nullptr) {
      remove(*task);
      started_ += task->owner() == nullptr ? 1 : 0;
    }
    return task;
  }

  /// Accounts for a task that has left the list.
  void remove(const queued_task& task) noexcept {
    shrink(1);
    if (task.owner() == nullptr) // helpers use no capacity
      capacity_.release();
  }

  void shrink(std::size_t tasks) noexcept {
    size_.store(size() - tasks, memory_order_relaxed); // relaxed: as in size()
  }

  queue_capacity capacity_;
  task_list tasks_;
  task_batch* batch_ = nullptr; // on the stack of the thread that runs it
  atomic<std::size_t> size_{0};
  std::uint64_t started_ = 0;
};

} // namespace parallel::detail
