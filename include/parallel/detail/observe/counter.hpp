// Numbers that one thread counts up and any thread may read: what stats.hpp shows.
//
// They are always counted, so they cost a load and a store beside what they count. Used by
// scheduler/job.hpp and scheduler/workers.hpp.
#pragma once

#include <parallel/detail/platform/atomic.hpp>

#include <cstdint>

namespace parallel::detail {

/// One writer at a time, which hands it on by other means.
class counter {
 public:
  // relaxed: a number by itself, and its own writer's
  [[gnu::always_inline]] void add_one() noexcept {
    count_.store(count_.load(memory_order_relaxed) + 1, memory_order_relaxed);
  }

  /// Likewise; whoever reads the new number sees all that this thread has counted before.
  void add_one_after_others() noexcept {
    // release: pairs with the acquire in get()
    count_.store(count_.load(memory_order_relaxed) + 1, memory_order_release);
  }

  /// For any thread.
  [[nodiscard]] std::uint64_t get() const noexcept {
    return count_.load(memory_order_acquire); // acquire: pairs with add_one_after_others()
  }

 private:
  native_atomic<std::uint64_t> count_{0};
};

/// What a thread has done in loops.
struct loop_counts {
  counter chunks; // claimed
  counter steals; // that found something
};

} // namespace parallel::detail
