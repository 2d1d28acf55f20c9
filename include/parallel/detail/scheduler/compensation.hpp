// Counts the blocked threads of a pool and the compensating workers that run in their place.
//
// A compensating worker is parked, that is asleep, or active, that is looking for work or running
// it. It starts to run work only if fewer of them run than threads are blocked, and stops when more
// do. While there is work, as many are active as threads are blocked, up to max_workers. Their
// threads are in scheduler/workers.hpp.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

/// Compensating workers are numbered from 0 to max_workers - 1, in the order of their start.
///
/// No wake is lost: all operations on blocked_ and active_ in add_blocked(), mark_parked() and
/// needs_active() are seq_cst. A thread that blocks is counted before it calls needs_active(), and
/// a worker that parks is counted out before it calls needs_active(). So at least one of the two
/// sees that an active worker is missing, and activates one if there is work. A thread that
/// publishes work does so before it calls any_blocked() and needs_active(). If it sees no blocked
/// thread, a thread that blocks later sees the work. Otherwise it activates a worker, or an active
/// one sees the work, at the latest when it looks once more after mark_parked().
class compensation {
 public:
  static constexpr std::size_t max_workers = 64;
  static constexpr std::size_t none = SIZE_MAX;

  /// A thread is blocked from now on, until remove_blocked().
  void add_blocked() noexcept { blocked_.fetch_add(1); } // seq_cst: see above
  void remove_blocked() noexcept {
    blocked_.fetch_sub(1, memory_order_relaxed); // relaxed: a count
  }

  [[nodiscard]] bool any_blocked() const noexcept {
    return blocked_.load() != 0; // seq_cst: see above
  }

  /// Fewer workers are active than threads are blocked.
  [[nodiscard]] bool needs_active() const noexcept {
    return active_.load() < blocked_.load(); // seq_cst, both: see above
  }

  /// Fewer workers exist than threads are blocked, and one more may be started.
  [[nodiscard]] bool needs_new() const noexcept {
    const std::size_t created = created_.load(memory_order_relaxed); // relaxed, both: a count
    return created < max_workers && created < blocked_.load(memory_order_relaxed);
  }

  /// Makes a parked worker active if needs_active(), and returns its number; else `none`. The
  /// caller holds the mutex of the workers, as it does for activate_new(), cancel_new(),
  /// mark_parked() and close().
  [[nodiscard]] std::size_t activate_parked() noexcept {
    if (parked_count_ == 0 || !needs_active())
      return none;
    active_.fetch_add(1);
    return parked_[--parked_count_];
  }

  /// Counts a new, active worker if needs_new(), and returns its number; else `none`.
  [[nodiscard]] std::size_t activate_new() noexcept {
    if (is_closed_ || !needs_new())
      return none;
    active_.fetch_add(1);
    const std::size_t created = created_.load(memory_order_relaxed); // relaxed, all: a count
    created_.store(created + 1, memory_order_relaxed);
    return created;
  }

  /// Undoes activate_new(), as no thread could be started.
  void cancel_new() noexcept {
    created_.store(created_.load(memory_order_relaxed) - 1, memory_order_relaxed);
    active_.fetch_sub(1);
  }

  /// An active worker that runs nothing is parked from now on; false after close(): then it is to
  /// end.
  bool mark_parked(std::size_t number) noexcept {
    active_.fetch_sub(1);
    if (!is_closed_)
      parked_[parked_count_++] = number;
    return !is_closed_;
  }

  /// No worker is parked or started from now on. Calls wake(number) for those that are parked.
  template <class Wake>
  void close(const Wake& wake) noexcept {
    is_closed_ = true;
    while (parked_count_ != 0)
      wake(parked_[--parked_count_]);
  }

  /// Counts the calling worker, which is active, as running, until stop_running(), or until
  /// keep_running() returns false. Returns false, and does not count it, if as many run already as
  /// threads are blocked.
  [[nodiscard]] bool start_running() noexcept {
    std::size_t running = running_.load(memory_order_relaxed); // relaxed, all: a count
    while (running < blocked_.load(memory_order_relaxed))
      if (running_.compare_exchange_weak(running, running + 1, memory_order_relaxed))
        return true;
    return false;
  }

  /// If more workers run than threads are blocked, returns false, and the calling worker no longer
  /// counts as running.
  [[nodiscard]] bool keep_running() noexcept {
    std::size_t running = running_.load(memory_order_relaxed); // relaxed, all: a count
    while (running > blocked_.load(memory_order_relaxed))
      if (running_.compare_exchange_weak(running, running - 1, memory_order_relaxed))
        return false;
    return true;
  }

  void stop_running() noexcept { running_.fetch_sub(1, memory_order_relaxed); } // relaxed: a count

 private:
  alignas(64) atomic<std::size_t> blocked_{0};
  atomic<std::size_t> active_{0};
  atomic<std::size_t> running_{0};
  std::size_t parked_[max_workers] = {}; // their numbers
  std::size_t parked_count_ = 0;
  atomic<std::size_t> created_{0};
  bool is_closed_ = false;
};

} // namespace parallel::detail
