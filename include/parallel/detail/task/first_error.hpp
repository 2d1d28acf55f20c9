// The exception that a loop will rethrow: the one of the lowest index, as the plain loop would; and
// from which index on elements need not start any more.
//
// Threads record what they catch, or that the loop has been ended, and ask before they start an
// element whether it is still wanted. Entered from loop/loop.hpp and io/loop.hpp.
#pragma once

#include <parallel/detail/lite/lock_guard.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/errors.hpp> // there must be exceptions

#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

namespace parallel::detail {

class first_error {
 public:
  /// Elements from this index on need not start any more: one below has failed, or the loop has
  /// been ended. SIZE_MAX if all are still wanted. It only ever falls until take().
  [[nodiscard]] std::size_t limit() const noexcept {
    // relaxed: a hint. Seen late, an element runs that could have been skipped.
    return limit_.load(memory_order_relaxed);
  }

  /// True when element `index` need not start any more.
  [[nodiscard]] bool precedes(std::size_t index) const noexcept { return limit() <= index; }

  /// Notes that element `index` has failed: those above it need not start. Keeps `error` if no
  /// lower index has failed; the exception it replaces is destroyed.
  [[gnu::cold]] void record(std::size_t index, std::exception_ptr error) noexcept {
    const lock_guard lock(mutex_);
    if (index < failed_) {
      failed_ = index;
      std::swap(error_, error);
    }
    lower_limit(index);
  }

  /// Notes that no element need start any more, whatever its index: the loop has been stopped.
  [[gnu::cold]] void end_all() noexcept {
    const lock_guard lock(mutex_);
    lower_limit(0);
  }

  /// Hands the exception over (null if there is none) and forgets it, and the limit. Call it when
  /// the loop is at rest: every other thread's last use must happen before.
  [[nodiscard]] std::exception_ptr take() noexcept {
    limit_.store(SIZE_MAX, memory_order_relaxed); // relaxed: nobody else is left
    failed_ = SIZE_MAX;
    return std::exchange(error_, nullptr);
  }

 private:
  /// Under the mutex.
  void lower_limit(std::size_t to) noexcept {
    if (to < limit_.load(memory_order_relaxed)) // relaxed, both: written under the mutex only
      limit_.store(to, memory_order_relaxed);
  }

  atomic<std::size_t> limit_{SIZE_MAX};
  mutex mutex_;
  std::size_t failed_ = SIZE_MAX; // the index of the exception; guarded by the mutex, as is that
  std::exception_ptr error_;
};

} // namespace parallel::detail
