// The tasks of a thread_pool: a queue, the number of tasks that have not ended, and the rules by
// which the queue is closed.
//
// A mutex guards a task_list; the counts can be read without it, by workers that are about to
// sleep.
#pragma once

#include <parallel/detail/lite/lock_guard.hpp>
#include <parallel/detail/observe/counter.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/detail/task/task_listeners.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

class task_queue {
 public:
  /// Queues a task; `submitter` is the record of the frame that queues it, or null. False when the
  /// queue is closed to the caller: `in_task` says that it runs a task of the pool, and may queue
  /// others while the pool comes to rest. Helper tasks, on which nothing depends, are refused then:
  /// they would keep the pool from that.
  [[nodiscard]] bool push(queued_task& task, frame_tasks* submitter, bool in_task) noexcept {
    const lock_guard lock(mutex_);
    if (open_to_ == nobody || (open_to_ == running_tasks && (!in_task || task.owner() != nullptr)))
      return false;
    list_.push(task, submitter);
    unfinished_.fetch_add(1, memory_order_relaxed); // relaxed: published by the next
    queued_.fetch_add(1);                           // seq_cst: the publisher's store, see idle_set
    return true;
  }

  /// The task that has waited longest, or null. To be followed by ended() once it has run.
  queued_task* pop() noexcept {
    if (empty())
      return nullptr;
    const lock_guard lock(mutex_);
    return counted(list_.pop());
  }

  /// The newest of the submitter's tasks, or null. To be followed by ended(), too.
  queued_task* pop_own(const frame_tasks& submitter) noexcept {
    const lock_guard lock(mutex_);
    return counted(list_.pop_own(submitter));
  }

  /// `count` tasks have ended; true if none is queued or running any more.
  PARALLEL_DETAIL_COMPACT bool ended(std::uint32_t count = 1) noexcept {
    // seq_cst: the publisher's store, see idle_set. Its acquire and release pair with those of the
    // same word in add(): either this thread sees the listener, or the listener's thread sees that
    // the futures are ready.
    const std::uint64_t before = unfinished_.fetch_sub(count);
    if (before >= one_listener) {
      const lock_guard lock(mutex_);
      listeners_.tell();
    }
    return before % one_listener == count;
  }

  /// From now on the listener is told when tasks end.
  void add(task_listener& listener) noexcept {
    const lock_guard lock(mutex_);
    listeners_.add(listener);
    unfinished_.fetch_add(one_listener); // see ended()
  }

  void remove(task_listener& listener) noexcept {
    const lock_guard lock(mutex_);
    listeners_.remove(listener);
    unfinished_.fetch_sub(one_listener); // seq_cst: as are all on this word, for at_rest()
  }

  [[nodiscard]] bool empty() const noexcept {
    return queued_.load() == 0; // seq_cst: the sleeper's last look, see idle_set
  }

  /// How many submitted tasks have been begun, ever, helper tasks excluded.
  [[nodiscard]] std::uint64_t begun() const noexcept { return begun_.get(); }

  /// No task is queued or running.
  [[nodiscard]] bool at_rest() const noexcept {
    return unfinished_.load() % one_listener == 0; // seq_cst: the sleeper's last look, see idle_set
  }

  /// From now on only running tasks may push: so once the queue is at rest, it stays so.
  void close() noexcept {
    const lock_guard lock(mutex_);
    if (open_to_ == everybody)
      open_to_ = running_tasks;
  }

  /// From now on nobody may push, and what is queued is discarded. True if no task is queued or
  /// running any more.
  [[nodiscard]] PARALLEL_DETAIL_COMPACT bool close_and_discard() noexcept {
    {
      const lock_guard lock(mutex_);
      open_to_ = nobody;
    }
    return discard([](const queued_task&) { return true; });
  }

  /// Discards those helper tasks of `owner` that nobody has begun. True if no task is queued or
  /// running any more.
  [[nodiscard]] PARALLEL_DETAIL_COMPACT bool dismiss(const void* owner) noexcept {
    return discard([&](const queued_task& task) { return task.owner() == owner; });
  }

  /// The tasks that are queued. A frame's records of what it has queued name this list.
  [[nodiscard]] const task_list& list() const noexcept { return list_; }

 private:
  enum access { everybody, running_tasks, nobody };
  static constexpr std::uint64_t one_listener = std::uint64_t{1} << 32;

  queued_task* counted(queued_task* task) noexcept {
    if (task == nullptr)
      return nullptr;
    queued_.fetch_sub(1, memory_order_relaxed); // relaxed: a hint, too large for a moment
    if (task->owner() == nullptr)
      begun_.add_one();
    return task;
  }

  template <class Wanted>
  bool discard(const Wanted& is_wanted) noexcept {
    task_list unwanted;
    std::uint32_t count = 0;
    {
      const lock_guard lock(mutex_);
      count = static_cast<std::uint32_t>(list_.move_to(unwanted, is_wanted));
      queued_.fetch_sub(count, memory_order_relaxed); // relaxed: as above
    }
    unwanted.discard_all(); // not under the mutex: it runs the users' destructors
    return ended(count);
  }

  mutex mutex_; // guards the next four, and the submitters' records of their tasks here
  task_list list_;
  task_listeners listeners_;
  access open_to_ = everybody;
  counter begun_; // any thread may read it
  atomic<std::size_t> queued_{0};
  atomic<std::uint64_t> unfinished_{0}; // tasks queued or running; upper half: listeners
};

} // namespace parallel::detail
