// The capacity of a bounded queue, and the submitters that wait for some of it: first come, first
// served.
//
// All of it is guarded by the mutex of the queue's owner. It allocates nothing: the submitters that
// wait form a list through their own stacks.
#pragma once

#include <parallel/detail/platform/futex.hpp>
#include <parallel/detail/platform/spin_then_lock.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace parallel::detail {

class queue_capacity {
 public:
  /// Capacity for `limit` tasks, at least one.
  explicit queue_capacity(std::size_t limit) noexcept : limit_(limit) {}
  queue_capacity(const queue_capacity&) = delete;
  queue_capacity& operator=(const queue_capacity&) = delete;

  /// A submitter that spins until the queue has shrunk waits for a size below this.
  [[nodiscard]] std::size_t low_water_mark() const noexcept { return limit_ - limit_ / 4; }

  [[nodiscard]] bool has_waiters() const noexcept { return first_ != nullptr; }

  /// Takes capacity for one task; false if there is none, or if others wait for it.
  [[nodiscard]] bool try_acquire() noexcept {
    if (used_ >= limit_ || has_waiters())
      return false;
    ++used_;
    return true;
  }

  /// Takes capacity for one task, beyond the limit if need be.
  void acquire_beyond_limit() noexcept { ++used_; }

  /// Waits until another thread has taken capacity on behalf of this one: within the limit, or,
  /// when the queue has been closed, beyond it.
  void wait_and_acquire(std::unique_lock<mutex>& held) noexcept {
    waiter self;
    (first_ != nullptr ? last_->next : first_) = &self;
    last_ = &self;
    held.unlock();
    // relaxed: the mutex, which is locked again, orders everything else. A condition variable
    // would sleep for the mutex; see platform/spin_then_lock.hpp.
    while (self.is_admitted.load(memory_order_relaxed) == 0)
      sleep_on(self.is_admitted, 0);
    spin_then_lock(held);
  }

  /// Gives capacity for one task back: it has left the queue, or will not come.
  void release() noexcept {
    --used_;
    if (has_waiters() && used_ < limit_)
      admit_first();
  }

  /// Ends every wait, beyond the limit: for a queue that is closed.
  void admit_all() noexcept {
    while (has_waiters())
      admit_first();
  }

 private:
  /// A submitter that waits, on its thread's stack. Each sleeps on a word of its own, so that no
  /// wake can go to the wrong one.
  struct waiter {
    atomic<std::uint32_t> is_admitted{0};
    waiter* next = nullptr; // the one that came after it
  };

  /// Takes the capacity on behalf of the waiter that is woken, so that no other thread can be
  /// quicker. The waiter exists until this thread unlocks the mutex, which the waiter's thread
  /// locks before it goes on.
  void admit_first() noexcept {
    waiter& first = *first_;
    first_ = first.next;
    ++used_;
    first.is_admitted.exchange(1); // seq_cst: wake_one_on() asks for it
    wake_one_on(first.is_admitted);
  }

  const std::size_t limit_;
  std::size_t used_ = 0;
  waiter* first_ = nullptr; // the one that has waited longest
  waiter* last_ = nullptr;  // the one that came last; meaningful only where there is a first
};

} // namespace parallel::detail
