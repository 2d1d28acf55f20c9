// The room in a bounded queue, and who waits for some: first come, first served.
//
// Guarded by the mutex of its owner, io_scheduler.hpp. Entered from io_queue.hpp.
#pragma once

#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/platform/waiting.hpp>

#include <cstddef>
#include <deque>
#include <mutex>

namespace parallel::detail {

class queue_room {
 public:
  /// Room for so many tasks, at least one.
  explicit queue_room(std::size_t limit) noexcept : limit_(limit) {}

  /// As much of it as a submitter that looks for room had better wait for.
  [[nodiscard]] std::size_t most_of_it() const noexcept { return limit_ - limit_ / 4; }

  [[nodiscard]] bool anybody_waits() const noexcept { return !waiting_.empty(); }

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
  void wait_and_take(std::unique_lock<mutex>& held) {
    submitter self;
    waiting_.push_back(&self);
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
  };

  /// The room is taken on behalf of the one that is woken, so that nobody can be quicker. Under the
  /// mutex, so that it is still there.
  void let_in() noexcept {
    submitter& first = *waiting_.front();
    waiting_.pop_front();
    ++taken_;
    first.has_room = true;
    first.woken.notify_one();
  }

  const std::size_t limit_;
  std::size_t taken_ = 0;
  std::deque<submitter*> waiting_;
};

} // namespace parallel::detail
