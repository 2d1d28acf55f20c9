// The waits of the threads that work for a pool: for a future, for the end of a map, or for the
// next result of an imap.
//
// A pool that tracks them can tell when every one of its threads waits for another, so that no wait
// would ever end. The code that waits describes its wait as a pending_wait; io/scheduler.hpp
// decides from all of them whether the pool is deadlocked.
#pragma once

#include <cstddef>
#include <cstring>

namespace parallel::detail {

class task_frame;

/// The tasks that are queued, or that a waiting thread runs.
class unfinished_tasks {
 public:
  /// True if `state` is the shared state of one of them; see future_state().
  [[nodiscard]] virtual bool include(const void* state) const noexcept = 0;

 protected:
  ~unfinished_tasks() = default;
};

/// One wait of one thread, for as long as it lasts. The pool calls the virtual functions from any
/// thread, and holds its mutex while it does.
class pending_wait {
 public:
  pending_wait() = default;
  pending_wait(const pending_wait&) = delete;
  pending_wait& operator=(const pending_wait&) = delete;

  /// True when what the thread waits for has happened, so that the thread goes on soon.
  [[nodiscard]] virtual bool is_over() const noexcept = 0;

  /// True when the wait can end only after one of `tasks` has ended, or after another thread that
  /// waits now has gone on.
  [[nodiscard]] virtual bool depends_on(const unfinished_tasks& tasks) const noexcept = 0;

 protected:
  ~pending_wait() = default;

 private:
  friend class pending_waits;
  const task_frame* frame_ = nullptr; // the innermost frame of the thread that waits
  pending_wait* next_ = nullptr;
  pending_wait* previous_ = nullptr;
};

/// The waits of all threads that work for one pool. Guarded by the pool's mutex.
class pending_waits {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Adds a wait of the thread whose innermost frame is `frame`.
  void add(pending_wait& wait, const task_frame* frame) noexcept {
    wait.frame_ = frame;
    wait.previous_ = nullptr;
    wait.next_ = first_;
    if (first_ != nullptr)
      first_->previous_ = &wait;
    first_ = &wait;
    ++size_;
  }

  void remove(pending_wait& wait) noexcept {
    (wait.previous_ != nullptr ? wait.previous_->next_ : first_) = wait.next_;
    if (wait.next_ != nullptr)
      wait.next_->previous_ = wait.previous_;
    --size_;
  }

  /// Calls visit(wait, innermost frame) for each wait until one call returns true. Returns whether
  /// one did.
  template <class Visit>
  [[nodiscard]] bool any_of(const Visit& visit) const noexcept {
    for (const pending_wait* each = first_; each != nullptr; each = each->next_)
      if (visit(*each, each->frame_))
        return true;
    return false;
  }

 private:
  pending_wait* first_ = nullptr;
  std::size_t size_ = 0;
};

/// The address of the shared state that a std::future or std::shared_future refers to. It is only
/// ever compared.
///
/// Futures have no function for this. But each of the standard libraries that we know stores a
/// pointer to the state as the first member, which a test checks. If the pointer were something
/// else, a wait would be taken for one that may end by itself, and a deadlock would go unnoticed.
template <class Future>
const void* future_state(const Future& future) noexcept {
  const void* state = nullptr;
  static_assert(sizeof future >= sizeof state);
  std::memcpy(static_cast<void*>(&state), static_cast<const void*>(&future), sizeof state);
  return state;
}

/// Executors that track the waits of their threads, as io_pool does. check_wait() throws when the
/// wait would never end.
template <class E>
concept tracks_waits = requires(E& executor, pending_wait& wait) {
  begin_wait(executor, wait);
  check_wait(executor);
  end_wait(executor, wait);
};

/// Tells the executor of a wait of the calling thread, for as long as this object lives. Does
/// nothing if the executor does not track waits, or if the thread does not work for it.
template <class E>
class tracked_wait {
 public:
  tracked_wait(E& executor, pending_wait& wait) noexcept : executor_(executor), wait_(wait) {
    if constexpr (tracks_waits<E>)
      if (works_for(executor)) {
        begin_wait(executor, wait);
        is_tracked_ = true;
      }
  }
  tracked_wait(const tracked_wait&) = delete;
  tracked_wait& operator=(const tracked_wait&) = delete;
  ~tracked_wait() {
    if constexpr (tracks_waits<E>)
      if (is_tracked_)
        end_wait(executor_, wait_);
  }

  /// Throws if the executor knows that the wait would never end. Call it repeatedly during the
  /// wait, because a deadlock may come about later.
  void check() const {
    if constexpr (tracks_waits<E>)
      if (is_tracked_)
        check_wait(executor_);
  }

 private:
  E& executor_;
  pending_wait& wait_;
  bool is_tracked_ = false;
};

} // namespace parallel::detail
