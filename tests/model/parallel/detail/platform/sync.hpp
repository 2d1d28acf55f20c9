// The models' replacement for the header of the same name: Relacy's atomics and mutexes behind the
// interface of the standard library.
#pragma once

#include "relacy.hpp"

#include <parallel/detail/platform/atomic.hpp>

#include <cstddef>
#include <source_location>
#include <type_traits>

namespace parallel::detail {

template <class T>
class atomic {
 public:
  using where = std::source_location;

  atomic(T value = T()) : impl_(value) {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(memory_order order = memory_order_seq_cst, where line = where::current()) const {
    return impl_.load(in_relacy(order), model::at(line));
  }
  void store(T value, memory_order order = memory_order_seq_cst, where line = where::current()) {
    impl_.store(value, in_relacy(order), model::at(line));
  }
  T exchange(T value, memory_order order = memory_order_seq_cst, where line = where::current()) {
    return change<rl::rmw_type_swap>(value, order, line);
  }
  template <class U>
  T fetch_add(U value, memory_order order = memory_order_seq_cst, where line = where::current()) {
    return change<rl::rmw_type_add>(static_cast<T>(value), order, line);
  }
  template <class U>
  T fetch_sub(U value, memory_order order = memory_order_seq_cst, where line = where::current()) {
    return change<rl::rmw_type_sub>(static_cast<T>(value), order, line);
  }
  T fetch_and(T value, memory_order order = memory_order_seq_cst, where line = where::current()) {
    return change<rl::rmw_type_and>(value, order, line);
  }
  T fetch_or(T value, memory_order order = memory_order_seq_cst, where line = where::current()) {
    return change<rl::rmw_type_or>(value, order, line);
  }
  bool compare_exchange_strong(T& seen, T value, memory_order order = memory_order_seq_cst,
                               where line = where::current()) {
    return compare<false>(seen, value, order, failure_order(order), line);
  }
  bool compare_exchange_strong(T& seen, T value, memory_order order, memory_order failure,
                               where line = where::current()) {
    return compare<false>(seen, value, order, failure, line);
  }
  bool compare_exchange_weak(T& seen, T value, memory_order order = memory_order_seq_cst,
                             where line = where::current()) {
    return compare<true>(seen, value, order, failure_order(order), line);
  }
  bool compare_exchange_weak(T& seen, T value, memory_order order, memory_order failure,
                             where line = where::current()) {
    return compare<true>(seen, value, order, failure, line);
  }

  /// As a futex, sleeps if the word still has the value `seen`. The kernel reads the latest value,
  /// not one that this thread may still see: hence the read-modify-write operation. May wake up
  /// without a reason if wakes_may_be_spurious.
  void sleep_while(T seen) const {
    rl::context& c = rl::ctx();
    {
      rl::preemption_disabler together(c);
      if (const_cast<atomic*>(this)->change<rl::rmw_type_add>(0, memory_order_relaxed,
                                                              where::current()) != seen)
        return;
    }
    impl_.wait(c, false, model::wakes_may_be_spurious, $);
  }
  void wake_one() {
    rl::ctx().sched();
    impl_.wake(rl::ctx(), 1, $);
  }

 private:
  static constexpr rl::memory_order in_relacy(memory_order order) {
    switch (order) {
    case memory_order_relaxed:
      return rl::mo_relaxed;
    case memory_order_acquire:
      return rl::mo_acquire;
    case memory_order_release:
      return rl::mo_release;
    case memory_order_acq_rel:
      return rl::mo_acq_rel;
    default:
      return rl::mo_seq_cst;
    }
  }
  static constexpr memory_order failure_order(memory_order order) {
    return order == memory_order_acq_rel   ? memory_order_acquire
           : order == memory_order_release ? memory_order_relaxed
                                           : order;
  }

  template <rl::rmw_type_e Type>
  T change(T value, memory_order order, const where& line) {
    return impl_.rmw(rl::rmw_type_t<Type>(), value, in_relacy(order), model::at(line));
  }
  template <bool IsWeak>
  bool compare(T& seen, T value, memory_order order, memory_order failure, const where& line) {
    return impl_.compare_exchange(rl::bool_t<IsWeak>(), seen, value, in_relacy(order),
                                  in_relacy(failure), model::at(line));
  }

  mutable rl::atomic<T> impl_;
};

class mutex {
 public:
  void lock(const std::source_location& where = std::source_location::current()) {
    impl_.lock(model::at(where));
  }
  bool try_lock(const std::source_location& where = std::source_location::current()) {
    return impl_.try_lock(model::at(where));
  }
  void unlock(const std::source_location& where = std::source_location::current()) {
    impl_.unlock(model::at(where));
  }

 private:
  rl::mutex impl_;
};

/// A variable of each of Relacy's threads, which all run on one thread of the system. It returns to
/// its initial value in each new schedule.
template <class T>
class per_thread {
 public:
  constexpr per_thread(T initial) : initial_(initial) {}

  operator T() const { return own().schedule == model::schedule ? own().value : initial_; }
  T operator->() const { return *this; }
  per_thread& operator=(T value) {
    values_[model::this_thread()] = {value, model::schedule};
    return *this;
  }

 private:
  struct versioned {
    T value{};
    unsigned schedule = 0; // in which the value was set
  };

  const versioned& own() const { return values_[model::this_thread()]; }

  T initial_;
  versioned values_[8];
};

} // namespace parallel::detail
