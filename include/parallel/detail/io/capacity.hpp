// The room in a bounded queue, and who waits for some: first come, first served.
//
// Guarded by the mutex of its owner, io/scheduler.hpp. It allocates nothing: those that wait are a
// list through their own stacks. Entered from io/queue.hpp.
#pragma once

#include <parallel/detail/platform/futex.hpp>
#include <parallel/detail/platform/lock_soon.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace parallel::detail {

class queue_capacity {
 public:
  /// Room for so many tasks, at least one.
  explicit queue_capacity(std::size_t limit) noexcept : limit_(limit) {}
  queue_capacity(const queue_capacity&) = delete;
  queue_capacity& operator=(const queue_capacity&) = delete;

  /// As much of it as a submitter that looks for room had better wait for.
  [[nodiscard]] std::size_t most_of_it() const noexcept { return limit_ - limit_ / 4; }

  [[nodiscard]] bool anybody_waits() const noexcept { return first_ != nullptr; }

  /// Takes room for one task; false if there is none, or others wait for it.
  [[nodiscard]] bool try_take() noexcept {
    if (taken_ >= limit_ || anybody_waits())
      return false;
    ++taken_;
    return true;
  }

  /// Takes room where there may be none.
  void take_beyond() noexcept { ++taken_; }

  /// Waits for room, and has taken it then; beyond the limit if the queue has been closed.
  void wait_and_take(std::unique_lock<mutex>& held) noexcept {
    submitter self;
    (first_ != nullptr ? last_->behind : first_) = &self;
    last_ = &self;
    held.unlock();
    // relaxed: the mutex, which is taken again, orders everything else. Not by a condition
    // variable, which would sleep for the mutex; see platform/lock_soon.hpp.
    while (self.has_room.load(memory_order_relaxed) == 0)
      sleep_on(self.has_room, 0);
    spin_then_lock(held);
  }

  /// A task has left the queue, or will not come.
  void give_back() noexcept {
    --taken_;
    if (anybody_waits() && taken_ < limit_)
      let_in();
  }

  /// Nobody has to wait any more.
  void let_all_in() noexcept {
    while (anybody_waits())
      let_in();
  }

 private:
  /// On its thread's stack. Each has a word of its own to sleep on, so that no wake can go to the
  /// wrong one.
  struct submitter {
    atomic<std::uint32_t> has_room{0};
    submitter* behind = nullptr; // the next that has come
  };

  /// The room is taken on behalf of the one that is woken, so that nobody can be quicker. That one
  /// is still there until this thread gives the mutex back, as it takes the mutex before it goes.
  void let_in() noexcept {
    submitter& first = *first_;
    first_ = first.behind;
    ++taken_;
    first.has_room.exchange(1); // seq_cst: wake_one_on() asks for it
    wake_one_on(first.has_room);
  }

  const std::size_t limit_;
  std::size_t taken_ = 0;
  submitter* first_ = nullptr; // of those that wait, the one that has waited longest
  submitter* last_ = nullptr;  // the one that has come last; only where there is a first
};

} // namespace parallel::detail
