// Where a worker waits for work, looking around and then asleep, and how a publisher finds one to
// wake.
//
// A sleeper announces itself in the idle set, looks for work once more, and only then parks; a
// publisher makes its work visible first (scheduler/job.hpp, scheduler/task_queue.hpp) and reads
// the idle set afterwards. Entered from scheduler/workers.hpp, where the sleeper's side stands;
// io/scheduler.hpp looks around in the same way.
#pragma once

#include <parallel/detail/lite/fixed_array.hpp>
#include <parallel/detail/platform/futex.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace parallel::detail {

/// One worker's parking: a one-shot permit to go on, on a 32-bit word. (Not a
/// std::counting_semaphore: those of libstdc++ and libc++ have lost wakes.)
class parker {
 public:
  /// Sleeps until unpark() has been called, and takes its permit.
  void park() noexcept {
    // acquire, here and below: pairs with the exchange in unpark(), so that the sleeper sees what
    // it was woken for.
    std::uint32_t seen = empty;
    if (state_.compare_exchange_strong(seen, parked, memory_order_acquire))
      do
        sleep_on(state_, parked);
      while (state_.load(memory_order_acquire) == parked);
    state_.store(empty, memory_order_relaxed); // relaxed: one waker a sleep, and it has come
  }

  void unpark() noexcept {
    // The release in it pairs with the acquires in park(); seq_cst for wake_one_on().
    if (state_.exchange(permit) == parked)
      wake_one_on(state_);
  }

 private:
  static constexpr std::uint32_t empty = 0;
  static constexpr std::uint32_t permit = 1;
  static constexpr std::uint32_t parked = 2;

  atomic<std::uint32_t> state_{empty};
};

/// The set of workers that sleep or are about to. Who removes a worker's bit owes it exactly one
/// unpark(): so each sleep is ended once.
///
/// Every operation is seq_cst, but for size(). The sleeper's add() stands before its last look for
/// work, the publisher's store of that work before its claim(): in the single order of seq_cst
/// operations one of the two comes first, so either the sleeper sees the work or the publisher the
/// sleeper.
class idle_set {
 public:
  static constexpr std::size_t none = SIZE_MAX;

  explicit idle_set(std::size_t workers) : words_((workers + 63) / 64) {}

  void add(std::size_t worker) noexcept { words_[worker / 64].fetch_or(bit(worker)); }

  /// Takes `worker` out again; false if a publisher has claimed it and its unpark() is under way.
  [[nodiscard]] bool remove(std::size_t worker) noexcept {
    return (words_[worker / 64].fetch_and(~bit(worker)) & bit(worker)) != 0;
  }

  /// How many sleep or are about to. A hint: stale by the time it is used.
  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t count = 0;
    for (const atomic<std::uint64_t>& word : words_) // relaxed: a hint
      count += static_cast<std::size_t>(std::popcount(word.load(memory_order_relaxed)));
    return count;
  }

  /// Whether any sleeps or is about to, as claim() would see it.
  [[nodiscard]] bool any() const noexcept {
    for (const atomic<std::uint64_t>& word : words_)
      if (word.load() != 0)
        return true;
    return false;
  }

  /// Takes any one worker out, for the caller to unpark; `none` when there is none.
  [[nodiscard]] std::size_t claim() noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      std::uint64_t word = words_[i].load();
      while (word != 0) {
        const auto worker = i * 64 + static_cast<std::size_t>(std::countr_zero(word));
        if (remove(worker))
          return worker;
        word = words_[i].load();
      }
    }
    return none;
  }

 private:
  static constexpr std::uint64_t bit(std::size_t worker) noexcept {
    return std::uint64_t{1} << (worker % 64);
  }

  fixed_array<atomic<std::uint64_t>> words_;
};

} // namespace parallel::detail
