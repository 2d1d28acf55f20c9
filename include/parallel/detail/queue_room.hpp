// The room in a bounded queue, and who waits for some: first come, first served.
//
// Guarded by the mutex of its owner, io_scheduler.hpp. It allocates nothing: those that wait are a
// list through their own stacks. Entered from io_queue.hpp.
#pragma once

#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/platform/waiting.hpp>

#include <cstddef>
#include <mutex>

namespace parallel::detail {

class queue_room {
 public:
  /// Room for so many tasks, at least one.
  explicit queue_room(std::size_t limit) noexcept : limit_(limit) {}
  queue_room(const queue_room&) = delete;
  queue_room& operator=(const queue_room&) = delete;

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
    self.woken.wait(held, [&] { return self.has_room; });
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
  /// On its thread's stack: each has a condition variable to itself, so that no wake can go to the
  /// wrong one.
  struct submitter {
    condition_variable woken;
    bool has_room = false;
    submitter* behind = nullptr; // the next that has come
  };

  /// The room is taken on behalf of the one that is woken, so that nobody can be quicker. Under the
  /// mutex, so that it is still there.
  void let_in() noexcept {
    submitter& first = *first_;
    first_ = first.behind;
    ++taken_;
    first.has_room = true;
    first.woken.notify_one();
  }

  const std::size_t limit_;
  std::size_t taken_ = 0;
  submitter* first_ = nullptr; // of those that wait, the one that has waited longest
  submitter* last_ = nullptr;  // the one that has come last; only where there is a first
};

} // namespace parallel::detail
