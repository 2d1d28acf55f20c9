// Listeners that a pool tells when some of its tasks have ended: as_completed.hpp is built on it.
//
// The list of listeners is intrusive, and guarded by the mutex of the pool that has it.
#pragma once

namespace parallel::detail {

/// The pool tells it under the pool's mutex, so it must not call the pool.
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

  void add(task_listener& listener) noexcept {
    listener.next_ = first_;
    first_ = &listener;
  }

  void remove(task_listener& listener) noexcept {
    task_listener** link = &first_;
    while (*link != &listener)
      link = &(*link)->next_;
    *link = listener.next_;
  }

  void tell() const noexcept {
    for (task_listener* each = first_; each != nullptr; each = each->next_)
      each->tasks_ended();
  }

 private:
  task_listener* first_ = nullptr;
};

} // namespace parallel::detail
