// Where the consumer of an imap waits for the threads that compute, and how they wake it.
//
// The wait is reported to the executor (see task/pending_wait.hpp), because an io_pool must know
// that the consumer waits for its threads. The window's mutex guards everything here.
#pragma once

#include <parallel/detail/platform/condition_variable.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/pending_wait.hpp>

#include <mutex>

namespace parallel::detail {

class consumer_signal {
 public:
  /// Waits until is_over(), which is called under the mutex. `lock` holds the mutex before and
  /// afterwards. A thread that may have changed is_over() calls notify().
  template <class E, class IsOver>
  void wait(std::unique_lock<mutex>& lock, E& executor, const IsOver& is_over) noexcept {
    consumer_wait<IsOver> self(*lock.mutex(), is_over);
    lock.unlock(); // the executor's mutex is locked before this one
    {
      const tracked_wait<E> tracked(executor, self);
      lock.lock();
      consumer_waits_ = true;
      changed_.wait(lock, is_over);
      consumer_waits_ = false;
      lock.unlock();
    }
    lock.lock();
  }

  /// Call it under the mutex, and use the window no more after releasing that.
  void notify() noexcept {
    if (consumer_waits_)
      changed_.notify_one(); // under the lock: the consumer may go, and the window with it
  }

 private:
  /// The wait, as the executor sees it.
  template <class IsOver>
  class consumer_wait final : public pending_wait {
   public:
    consumer_wait(mutex& guard, const IsOver& is_over) noexcept
        : guard_(guard), is_over_(is_over) {}
    [[nodiscard]] bool is_over() const noexcept override {
      const std::lock_guard lock(guard_);
      return is_over_();
    }
    [[nodiscard]] bool depends_on(const unfinished_tasks&) const noexcept override { return true; }

   private:
    mutex& guard_;
    const IsOver& is_over_;
  };

  condition_variable changed_; // only the consumer waits on it
  bool consumer_waits_ = false;
};

} // namespace parallel::detail
