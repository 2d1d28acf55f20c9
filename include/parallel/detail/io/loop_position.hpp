// Where a thread is in the loop over an io_pool that it runs, for what waits inside an element.
//
// An element of which a lower one has failed for good is in vain: the loop will throw. Set by
// io/loop.hpp, asked by io/retry.hpp.
#pragma once

#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/first_error.hpp>
#include <parallel/detail/task/thread_context.hpp>

#include <cstddef>

namespace parallel::detail {

/// The element that this thread is in, for as long as it lives; those of calls within it are
/// innermost meanwhile.
class loop_position {
 public:
  loop_position(const first_error& error, std::size_t index) noexcept
      : error_(error), index_(index), around_(this_thread.io_element) {
    this_thread.io_element = this;
  }
  loop_position(const loop_position&) = delete;
  loop_position& operator=(const loop_position&) = delete;
  ~loop_position() { this_thread.io_element = around_; }

  /// Of the calling thread; null if it is in no loop.
  [[nodiscard]] static const loop_position* innermost() noexcept { return this_thread.io_element; }

  /// Whether an element of a lower index of the same loop has thrown, so that nothing that becomes
  /// of this one counts.
  [[nodiscard]] bool is_in_vain() const noexcept { return error_.precedes(index_); }

 private:
  const first_error& error_;
  const std::size_t index_;
  const loop_position* const around_;
};

} // namespace parallel::detail
