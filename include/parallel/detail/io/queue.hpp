// What is queued in an io_pool: the tasks, the room for them, and the hand that has some along.
//
// Guarded by the mutex of its owner, io/scheduler.hpp, which decides who takes what, and when.
// Behind it: task/task_list.hpp (the order), io/capacity.hpp (the limit), io/batch.hpp (several at
// once).
#pragma once

#include <parallel/detail/io/batch.hpp>
#include <parallel/detail/io/capacity.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/task_list.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace parallel::detail {

class io_queue {
 public:
  /// With room for so many tasks, at least one.
  explicit io_queue(std::size_t limit) noexcept : room_(limit) {}

  /// How many tasks nobody has begun, as far as the queue has been told. Without the mutex a hint.
  [[nodiscard]] std::size_t size() const noexcept {
    return queued_.load(memory_order_relaxed); // relaxed: a hint, or under the mutex
  }
  [[nodiscard]] bool is_empty() const noexcept { return tasks_.empty() && hand_ == nullptr; }

  /// How many tasks have been begun, ever; no helpers.
  [[nodiscard]] std::uint64_t begun() const noexcept { return begun_; }

  /// As many tasks as a submitter that looks for room had better wait for.
  [[nodiscard]] std::size_t almost_full() const noexcept { return room_.most_of_it(); }

  [[nodiscard]] bool anybody_waits_for_room() const noexcept { return room_.anybody_waits(); }

  /// Reserves room for a task; false if others wait for it, or there is none that is known of: for
  /// what has been begun from the hand, settle() first.
  [[nodiscard]] bool try_reserve() noexcept { return room_.try_take(); }

  /// Reserves room where there may be none.
  void reserve_beyond() noexcept { room_.take_beyond(); }

  /// Waits for room, and has reserved it then; beyond the limit after let_all_in().
  void wait_and_reserve(std::unique_lock<mutex>& held) { room_.wait_and_take(held); }

  /// A task for which room was reserved will not come.
  void unreserve() noexcept { room_.give_back(); }

  /// Nobody has to wait for room any more.
  void let_all_in() noexcept { room_.let_all_in(); }

  /// A task for which room has been reserved, or a helper: those do not count against the limit,
  /// which is there to hold back who submits. `submitter` is whose the task is.
  void push(queued_task& task, frame_tasks* submitter) noexcept {
    tasks_.push(task, submitter);
    queued_.store(size() + 1, memory_order_relaxed); // relaxed: as in size()
  }

  /// The next task, to be begun, or null.
  [[nodiscard]] queued_task* pop() noexcept {
    settle();
    return begin(tasks_.pop());
  }

  /// The newest of the owner's tasks, to be begun, or null.
  [[nodiscard]] queued_task* pop_own(const frame_tasks& submitter) noexcept {
    return begin(tasks_.pop_own(submitter));
  }

  /// Where the tasks are: who owns some knows them by it.
  [[nodiscard]] const task_list& list() const noexcept { return tasks_; }

  /// Whether a task is queued for which found(task) is true. Call settle() first.
  template <class Found>
  [[nodiscard]] bool any_of(const Found& found) const noexcept {
    return tasks_.any_of(found);
  }

  /// Moves those that nobody has begun and for which is_wanted(task) is true to another list.
  template <class Wanted>
  void move_to(task_list& other, const Wanted& is_wanted) noexcept {
    settle();
    tasks_.move_to(other, [&](const queued_task& task) {
      const bool wanted = is_wanted(task);
      if (wanted)
        has_left(task);
      return wanted;
    });
  }

  /// Takes tasks along in a hand, as many as it holds, from the front. They still count as queued:
  /// to whom it matters which of them have not been begun, and who may have to run them, calls
  /// settle() first.
  void fill(task_batch& hand) noexcept {
    while (!hand.is_full() && !tasks_.empty() && tasks_.front()->is_unowned()) {
      hand.add(*tasks_.pop());
      hand_ = &hand;
    }
  }

  /// What is in the hand and has not been begun is back in the queue, as if it had never left.
  void settle() noexcept {
    if (hand_ == nullptr)
      return;
    std::size_t begun =
        std::exchange(hand_, nullptr)->close([this](queued_task& task) { tasks_.put_back(task); });
    has_left(begun);
    begun_ += begun;
    for (; begun != 0; --begun)
      room_.give_back();
  }

 private:
  queued_task* begin(queued_task* task) noexcept {
    if (task != nullptr) {
      has_left(*task);
      begun_ += task->owner() == nullptr ? 1 : 0;
    }
    return task;
  }

  void has_left(const queued_task& task) noexcept {
    has_left(1);
    if (task.owner() == nullptr) // helpers take no room
      room_.give_back();
  }

  void has_left(std::size_t tasks) noexcept {
    queued_.store(size() - tasks, memory_order_relaxed); // relaxed: as in size()
  }

  queue_capacity room_;
  task_list tasks_;
  task_batch* hand_ = nullptr; // of the thread that churns
  atomic<std::size_t> queued_{0};
  std::uint64_t begun_ = 0;
};

} // namespace parallel::detail
