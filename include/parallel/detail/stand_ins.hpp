// Who is blocked, and who stands in: the books of a pool whose tasks and elements call blocking().
//
// No more stand-ins are on duty than threads are blocked, except for a moment: they go off duty by
// themselves, and are spares then. Entered from workers.hpp, which has their threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>

namespace parallel::detail {

class stand_ins {
 public:
  static constexpr std::size_t most = 64;
  static constexpr std::size_t none = SIZE_MAX;

  /// A thread is blocked from now on, until unblock().
  void block() noexcept { blocked_.fetch_add(1); } // seq_cst: a publisher's store, see idle_set
  void unblock() noexcept { blocked_.fetch_sub(1, std::memory_order_relaxed); } // relaxed: a count

  [[nodiscard]] bool any_blocked() const noexcept {
    return blocked_.load() != 0; // seq_cst: a publisher's look, see idle_set
  }

  /// There are no more on duty than there are blocked.
  [[nodiscard]] bool are_wanted() const noexcept {
    // seq_cst: a sleeper's last look, see idle_set. relaxed: too many for a moment do no harm.
    return blocked_.load() >= on_duty_.load(std::memory_order_relaxed);
  }

  /// Puts one on duty if there are too few, and returns its number, below `most`; else `none`.
  [[nodiscard, gnu::cold]] std::size_t call_one() noexcept {
    const std::lock_guard lock(mutex_);
    const std::size_t on_duty = on_duty_.load(std::memory_order_relaxed);
    if (on_duty >= blocked_.load(std::memory_order_relaxed) || (spares_ == 0 && ever_ == most))
      return none;
    on_duty_.store(on_duty + 1, std::memory_order_relaxed);
    return spares_ != 0 ? spare_[--spares_] : ever_++;
  }

  enum class rest { on_duty, spare, over };

  /// Stand-in: goes off duty if there are too many; then it is a spare, unless the pool ends.
  [[nodiscard, gnu::cold]] rest go_off_duty(std::size_t number) noexcept {
    const std::lock_guard lock(mutex_);
    if (are_wanted())
      return rest::on_duty;
    on_duty_.fetch_sub(1, std::memory_order_relaxed);
    if (is_closed_)
      return rest::over;
    spare_[spares_++] = number;
    return rest::spare;
  }

  /// One that has been called could not be started: it is a spare still.
  [[gnu::cold]] void take_back(std::size_t number) noexcept {
    const std::lock_guard lock(mutex_);
    on_duty_.fetch_sub(1, std::memory_order_relaxed);
    spare_[spares_++] = number;
  }

  /// There are no spares any more: sends home those that there are.
  template <class SendHome>
  [[gnu::cold]] void close(const SendHome& send_home) noexcept {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    while (spares_ != 0)
      send_home(spare_[--spares_]);
  }

 private:
  std::atomic<std::size_t> blocked_{0};
  std::atomic<std::size_t> on_duty_{0}; // changed under the mutex, which guards what follows, too
  std::mutex mutex_;
  std::size_t spare_[most] = {}; // numbers
  std::size_t spares_ = 0;
  std::size_t ever_ = 0; // numbers that have been given out
  bool is_closed_ = false;
};

} // namespace parallel::detail
