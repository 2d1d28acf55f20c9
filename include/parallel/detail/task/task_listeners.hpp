// Who wants to know when tasks of a pool end: see as_completed.hpp.
//
// Intrusive, and guarded by the mutex of its owner: scheduler/task_queue.hpp, or io/scheduler.hpp.
#pragma once

namespace parallel::detail {

/// Told under the pool's mutex, so it must not call the pool.
class task_listener {
 public:
  task_listener() = default;
  task_listener(const task_listener&) = delete;
  task_listener& operator=(const task_listener&) = delete;

  /// Some tasks have ended, and their futures are ready.
  virtual void tasks_ended() noexcept = 0;

 protected:
  ~task_listener() = default;

 private:
  friend class task_listeners;
  task_listener* next_ = nullptr;
};

class task_listeners {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

  void add(task_listener& one) noexcept {
    one.next_ = first_;
    first_ = &one;
  }

  void remove(task_listener& one) noexcept {
    task_listener** link = &first_;
    while (*link != &one)
      link = &(*link)->next_;
    *link = one.next_;
  }

  void tell() const noexcept {
    for (task_listener* each = first_; each != nullptr; each = each->next_)
      each->tasks_ended();
  }

 private:
  task_listener* first_ = nullptr;
};

} // namespace parallel::detail
