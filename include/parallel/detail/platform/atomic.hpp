// Atomic variables and memory orders: the part of std::atomic that this library uses.
//
// On Linux it uses the built-in functions of GCC and Clang, of which std::atomic is made too.
#pragma once

#include <parallel/detail/platform/config.hpp>

#if !PARALLEL_DETAIL_LINUX
#include <atomic>
#endif

namespace parallel::detail {

#if PARALLEL_DETAIL_LINUX

/// The memory orders of std::memory_order.
enum memory_order : int {
  memory_order_relaxed = __ATOMIC_RELAXED,
  memory_order_acquire = __ATOMIC_ACQUIRE,
  memory_order_release = __ATOMIC_RELEASE,
  memory_order_acq_rel = __ATOMIC_ACQ_REL,
  memory_order_seq_cst = __ATOMIC_SEQ_CST
};

/// An atomic number, pointer, bool or enumeration.
template <class T>
class native_atomic {
 public:
  constexpr native_atomic(T value = T()) noexcept : value_(value) {}
  native_atomic(const native_atomic&) = delete;
  native_atomic& operator=(const native_atomic&) = delete;

  [[nodiscard]] T load(memory_order order = memory_order_seq_cst) const noexcept {
    T value;
    __atomic_load(&value_, &value, order);
    return value;
  }
  void store(T value, memory_order order = memory_order_seq_cst) noexcept {
    __atomic_store(&value_, &value, order);
  }
  T exchange(T value, memory_order order = memory_order_seq_cst) noexcept {
    T before;
    __atomic_exchange(&value_, &value, &before, order);
    return before;
  }
  T fetch_add(T value, memory_order order = memory_order_seq_cst) noexcept {
    return __atomic_fetch_add(&value_, value, order);
  }
  T fetch_sub(T value, memory_order order = memory_order_seq_cst) noexcept {
    return __atomic_fetch_sub(&value_, value, order);
  }
  T fetch_and(T value, memory_order order = memory_order_seq_cst) noexcept {
    return __atomic_fetch_and(&value_, value, order);
  }
  T fetch_or(T value, memory_order order = memory_order_seq_cst) noexcept {
    return __atomic_fetch_or(&value_, value, order);
  }

  bool compare_exchange_strong(T& seen, T value, memory_order order,
                               memory_order failure) noexcept {
    return __atomic_compare_exchange(&value_, &seen, &value, false, order, failure);
  }
  bool compare_exchange_strong(T& seen, T value,
                               memory_order order = memory_order_seq_cst) noexcept {
    return compare_exchange_strong(seen, value, order, failure_order(order));
  }
  bool compare_exchange_weak(T& seen, T value, memory_order order, memory_order failure) noexcept {
    return __atomic_compare_exchange(&value_, &seen, &value, true, order, failure);
  }
  bool compare_exchange_weak(T& seen, T value, memory_order order = memory_order_seq_cst) noexcept {
    return compare_exchange_weak(seen, value, order, failure_order(order));
  }

 private:
  static constexpr memory_order failure_order(memory_order order) noexcept {
    return order == memory_order_acq_rel   ? memory_order_acquire
           : order == memory_order_release ? memory_order_relaxed
                                           : order;
  }

  alignas(sizeof(T)) T value_; // NOLINT: T may be a pointer, and its own size is meant
};

#else

using std::memory_order;
using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

template <class T>
using native_atomic = std::atomic<T>;

#endif

} // namespace parallel::detail
