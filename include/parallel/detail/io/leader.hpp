// Which thread of an io_pool is the leader, which one the monitor, and whether a task blocks the
// leader.
//
// The leader drains quick tasks alone, as to wake another thread would cost more than they do. The
// monitor watches it. A task that lasts longer than a wake costs may be blocked: then the leader no
// longer counts as one, and others take over.
#pragma once

#include <parallel/detail/io/threads.hpp>

#include <cstdint>

namespace parallel::detail {

/// Guarded by the mutex of the pool, except for io_thread's fields that are the thread's own.
template <class Clock>
class io_leadership {
 public:
  /// Whether a task that ran between two clock readings was quick: not worth what it costs to wake
  /// a thread.
  [[nodiscard]] static bool is_quick(std::uint64_t began, std::uint64_t ended) noexcept {
    return are_within(quick_ns, began, ended);
  }

  [[nodiscard]] bool has_leader() const noexcept { return leader_ != nullptr; }
  [[nodiscard]] bool is_leader(const io_thread& self) const noexcept { return leader_ == &self; }

  /// Whether there is a leader that is not blocked, as far as can be told at `now`.
  [[nodiscard]] bool is_active(std::uint64_t now) const noexcept {
    return leader_ != nullptr && (is_spinning_ || are_within(blocked_ns, task_began_, now));
  }

  void appoint(io_thread& self) noexcept { leader_ = &self; }
  void depose() noexcept { leader_ = nullptr; }

  /// The thread begins a task at its clock reading.
  void begin_task(const io_thread& self) noexcept {
    if (is_leader(self))
      task_began_ = self.now;
  }

  /// The thread's task has ended: a slow leader steps down, and a quick thread becomes the leader
  /// where none is active.
  void end_task(io_thread& self) noexcept {
    if (self.was_slow) {
      step_down(self);
    } else if (!is_active(self.now)) {
      leader_ = &self;
      task_began_ = self.now;
    }
  }

  /// The thread is not the leader any more, if it was.
  void step_down(const io_thread& self) noexcept {
    if (is_leader(self))
      leader_ = nullptr;
  }

  /// The leader spins for the next task, or no longer does.
  void set_spinning(bool is_spinning) noexcept { is_spinning_ = is_spinning; }

  [[nodiscard]] bool has_monitor() const noexcept { return has_monitor_; }
  void set_monitor(bool there_is_one) noexcept { has_monitor_ = there_is_one; }

  /// Whether the leader or the monitor will come to the queue without being woken.
  [[nodiscard]] bool attends_queue() const noexcept {
    return (has_monitor_ && leader_ != nullptr) || is_spinning_;
  }

 private:
  /// A task is quick if it takes less.
  static constexpr double quick_ns = 10'000;
  /// A task that takes longer may be blocked.
  static constexpr double blocked_ns = 50'000;

  /// Whether two clock readings are less than `ns` apart, whichever came first: they may be two
  /// threads'. If a thread has moved to a processor whose clock is far behind, that cannot be told,
  /// and the answer is no: then another thread comes to the queue, needed or not.
  [[nodiscard]] static bool are_within(double ns, std::uint64_t one, std::uint64_t other) noexcept {
    const double between = Clock::ns_between(one, other);
    return between < ns && between > -ns;
  }

  io_thread* leader_ = nullptr;
  std::uint64_t task_began_ = 0; // the leader's
  bool is_spinning_ = false;     // the leader
  bool has_monitor_ = false;
};

} // namespace parallel::detail
