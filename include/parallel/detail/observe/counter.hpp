// Numbers that one thread counts up and any thread may read: what stats.hpp shows.
//
// They are counted in every program, so counting must be cheap: it costs a load and a store.
#pragma once

#include <parallel/detail/platform/atomic.hpp>

#include <cstdint>

namespace parallel::detail {

/// At most one thread writes at a time. To pass the counter on to another writer, threads must
/// synchronise by other means.
class counter {
 public:
  // relaxed, both: nothing is read by way of the number, and only this thread writes it
  [[gnu::always_inline]] void add_one() noexcept {
    count_.store(count_.load(memory_order_relaxed) + 1, memory_order_relaxed);
  }

  /// Adds one. A thread that reads the new number also sees all that this thread has counted
  /// before.
  void add_one_after_others() noexcept {
    // release: pairs with the acquire in get(); the load is relaxed, as above
    count_.store(count_.load(memory_order_relaxed) + 1, memory_order_release);
  }

  /// Any thread may call it.
  [[nodiscard]] std::uint64_t get() const noexcept {
    return count_.load(memory_order_acquire); // acquire: pairs with add_one_after_others()
  }

 private:
  native_atomic<std::uint64_t> count_{0};
};

/// What a thread has done in loops.
struct loop_counts {
  counter chunks; // chunks that it has taken
  counter steals; // steals that have found something
};

} // namespace parallel::detail
