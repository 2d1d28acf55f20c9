// Which element of which loop over an io_pool a thread runs.
//
// A wait inside an element asks this whether the element still matters. It does not once an element
// of a lower index has failed for good, because the loop will then throw that one's exception.
#pragma once

#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/first_error.hpp>
#include <parallel/detail/task/thread_context.hpp>

#include <cstddef>

namespace parallel::detail {

/// The calling thread runs this element while the object lives. Positions nest: a loop inside the
/// element has innermost ones of its own.
class loop_position {
 public:
  loop_position(const first_error& error, std::size_t index) noexcept
      : error_(error), index_(index), enclosing_(this_thread.io_element) {
    this_thread.io_element = this;
  }
  loop_position(const loop_position&) = delete;
  loop_position& operator=(const loop_position&) = delete;
  ~loop_position() { this_thread.io_element = enclosing_; }

  /// The calling thread's innermost position; null if it runs no loop.
  [[nodiscard]] static const loop_position* innermost() noexcept { return this_thread.io_element; }

  /// Whether the result of this element no longer matters: one of a lower index of the same loop
  /// has failed, or the loop has been ended.
  [[nodiscard]] bool is_superseded() const noexcept { return error_.precedes(index_); }

 private:
  const first_error& error_;
  const std::size_t index_;
  const loop_position* const enclosing_;
};

} // namespace parallel::detail
