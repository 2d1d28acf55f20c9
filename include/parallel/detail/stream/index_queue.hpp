// A queue of indices with a fixed capacity: first in, first out, in a circular buffer.
//
// All memory is allocated when the queue is made, so to push an index cannot fail.
#pragma once

#include <cstddef>
#include <vector>

namespace parallel::detail {

/// Holds at most `capacity` indices at a time; the caller sees to that.
class index_queue {
 public:
  explicit index_queue(std::size_t capacity) : indices_(capacity) {}
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t front() const noexcept { return indices_[first_]; }
  void push(std::size_t index) noexcept { indices_[(first_ + count_++) % indices_.size()] = index; }
  std::size_t pop() noexcept {
    const std::size_t index = front();
    first_ = (first_ + 1) % indices_.size();
    --count_;
    return index;
  }

 private:
  std::vector<std::size_t> indices_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

} // namespace parallel::detail
