// The exception that a loop rethrows: the one of the lowest index, as a sequential loop would
// throw.
//
// A thread records each exception that it catches. After that, elements with a higher index need
// not start, so a thread asks before each element whether it still has to run. A loop that is
// stopped uses the same limit: then no element need start.
#pragma once

#include <parallel/detail/lite/lock_guard.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/errors.hpp> // refuses to compile without exceptions

#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

namespace parallel::detail {

class first_error {
 public:
  /// Elements from this index on need not start: an element below it has failed, or the loop has
  /// been stopped. SIZE_MAX if every element is still wanted. It never rises before take().
  [[nodiscard]] std::size_t limit() const noexcept {
    // relaxed: a hint. A thread that reads an old limit runs an element that it could have skipped.
    return limit_.load(memory_order_relaxed);
  }

  /// True when element `index` need not start.
  [[nodiscard]] bool precedes(std::size_t index) const noexcept { return limit() <= index; }

  /// Records that element `index` has failed, so that those above it need not start. Keeps `error`
  /// unless a lower index has failed already; destroys the exception that it does not keep.
  void record(std::size_t index, std::exception_ptr error) noexcept {
    const lock_guard lock(mutex_);
    if (index < failed_index_) {
      failed_index_ = index;
      std::swap(error_, error);
    }
    lower_limit(index);
  }

  /// Records that the loop has been stopped: no element need start, whatever its index.
  void end_all() noexcept {
    const lock_guard lock(mutex_);
    lower_limit(0);
  }

  /// Returns the exception, or null if there is none, and resets this object. Call it when the loop
  /// is at rest: every other thread's last use must happen before.
  [[nodiscard]] std::exception_ptr take() noexcept {
    limit_.store(SIZE_MAX, memory_order_relaxed); // relaxed: no other thread uses it any more
    failed_index_ = SIZE_MAX;
    return std::exchange(error_, nullptr);
  }

 private:
  /// The caller holds the mutex.
  void lower_limit(std::size_t to) noexcept {
    if (to < limit_.load(memory_order_relaxed)) // relaxed, both: written under the mutex only
      limit_.store(to, memory_order_relaxed);
  }

  atomic<std::size_t> limit_{SIZE_MAX};
  mutex mutex_;                         // guards the writes to limit_, and what follows
  std::size_t failed_index_ = SIZE_MAX; // the index that error_ belongs to
  std::exception_ptr error_;
};

} // namespace parallel::detail
