// The exception that a loop will rethrow: the one of the lowest index, as the plain loop would.
//
// Threads record what they catch and ask, before they start an element, whether a lower one has
// failed already. Entered from loop.hpp and io_loop.hpp.
#pragma once

#include <parallel/detail/lock_guard.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/errors.hpp> // there must be exceptions

#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

namespace parallel::detail {

class first_error {
 public:
  /// True when an index lower than `index` has failed: `index` need not start any more.
  [[nodiscard]] bool precedes(std::size_t index) const noexcept {
    // relaxed: a hint. Seen late, an element runs that could have been skipped.
    return lowest_.load(memory_order_relaxed) < index;
  }

  /// Keeps `error` if no lower index has failed; the exception it replaces is destroyed.
  [[gnu::cold]] void record(std::size_t index, std::exception_ptr error) noexcept {
    const lock_guard lock(mutex_);
    if (index < lowest_.load(memory_order_relaxed)) { // relaxed: written under this mutex
      lowest_.store(index, memory_order_relaxed);
      std::swap(error_, error);
    }
  }

  /// Hands the exception over (null if there is none) and forgets it. Call it when the loop is at
  /// rest: every other thread's last use must happen before.
  [[nodiscard]] std::exception_ptr take() noexcept {
    lowest_.store(SIZE_MAX, memory_order_relaxed); // relaxed: nobody else is left
    return std::exchange(error_, nullptr);
  }

 private:
  atomic<std::size_t> lowest_{SIZE_MAX};
  mutex mutex_;
  std::exception_ptr error_;
};

} // namespace parallel::detail
