// How a worker sleeps until there is work, and how a thread that publishes work finds a worker to
// wake.
//
// A worker announces itself in the idle set, looks for work once more, and only then parks. A
// publisher makes its work visible first and reads the idle set afterwards. So no wake is lost:
// idle_set has the proof.
#pragma once

#include <parallel/detail/lite/fixed_array.hpp>
#include <parallel/detail/platform/futex.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace parallel::detail {

/// Puts one worker to sleep and wakes it: a one-shot permit on a 32-bit word. (Not a
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

/// The set of workers that sleep or are about to. A thread that removes another worker from it owes
/// that worker exactly one unpark(), so each sleep is ended once.
///
/// No wake is lost: every operation but size() is seq_cst. A sleeper's add() comes before its last
/// look for work, and a publisher's store of work comes before its claim(). In the single order of
/// seq_cst operations either add() precedes claim(), and the publisher finds the sleeper; or the
/// store precedes the last look, and the sleeper finds the work.
class idle_set {
 public:
  static constexpr std::size_t none = SIZE_MAX;

  explicit idle_set(std::size_t workers) : words_((workers + 63) / 64) {}

  void add(std::size_t worker) noexcept { words_[worker / 64].fetch_or(bit(worker)); }

  /// Takes `worker` out again; false if a publisher has claimed it and its unpark() is under way.
  [[nodiscard]] bool remove(std::size_t worker) noexcept {
    return (words_[worker / 64].fetch_and(~bit(worker)) & bit(worker)) != 0;
  }

  /// How many workers sleep or are about to. A hint: stale by the time it is used.
  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t count = 0;
    for (const atomic<std::uint64_t>& word : words_) // relaxed: a hint
      count += static_cast<std::size_t>(std::popcount(word.load(memory_order_relaxed)));
    return count;
  }

  /// Whether claim() would find a worker.
  [[nodiscard]] bool any() const noexcept {
    for (const atomic<std::uint64_t>& word : words_)
      if (word.load() != 0)
        return true;
    return false;
  }

  /// Takes any one worker out, which the caller has to unpark; `none` when the set is empty.
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
