// Numbers that one thread counts up and any thread may read: what stats.hpp shows.
//
// They are always counted, so they cost a load and a store beside what they count. Entered from
// job.hpp and workers.hpp, for those who run loops.
#pragma once

#include <parallel/detail/platform/atomic.hpp>

#include <cstdint>

namespace parallel::detail {

/// One writer at a time, which hands it on by other means.
class counter {
 public:
  [[gnu::always_inline]] void add_one() noexcept { count_.store(get() + 1, memory_order_relaxed); }

  /// For any thread.
  [[nodiscard]] std::uint64_t get() const noexcept {
    return count_.load(memory_order_relaxed); // relaxed, both: a number by itself
  }

 private:
  native_atomic<std::uint64_t> count_{0};
};

/// What a thread has done in loops.
struct loop_counts {
  counter blocks; // claimed
  counter steals; // that found something
};

} // namespace parallel::detail
