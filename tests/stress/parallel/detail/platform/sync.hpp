// The stress builds' replacement for the library's header of the same name, with injected delays.
//
// Each operation on an atomic or a mutex may first be delayed, which produces schedules that would
// otherwise hardly ever occur. The environment variable PARALLEL_STRESS_SEED determines which
// operations are delayed and for how long.
#pragma once

#include <parallel/detail/platform/atomic.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace parallel::detail {

/// Called before each operation. Does nothing in 15 of 16 cases; otherwise the thread yields, spins
/// or sleeps for a short time.
inline void delay() noexcept {
  static std::atomic<std::uint64_t> threads{0};
  static const std::uint64_t seed = [] {
    const char* const text = std::getenv("PARALLEL_STRESS_SEED");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
  }();
  static constinit thread_local std::uint64_t state = 0;
  if (state == 0)
    state = (seed + 1) * 0x9E3779B97F4A7C15 + (++threads << 17);
  state ^= state << 13; // Marsaglia's xorshift64
  state ^= state >> 7;
  state ^= state << 17;
  const std::uint64_t choice = state >> 32;
  if (choice % 16 != 0)
    return;
  const std::uint64_t of_100 = choice / 16 % 100;
  if (of_100 < 50)
    std::this_thread::yield();
  else if (of_100 < 90)
    for (std::uint64_t i = choice / 1'600 % 1'000; i != 0; --i)
      std::atomic_signal_fence(std::memory_order_seq_cst);
  else
    std::this_thread::sleep_for(std::chrono::microseconds(choice / 1'600 % 50));
}

template <class T>
class atomic : public native_atomic<T> {
  using base = native_atomic<T>;
  static constexpr memory_order strongest = memory_order_seq_cst;

 public:
  constexpr atomic() noexcept = default;
  constexpr atomic(T value) noexcept : base(value) {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(memory_order order = strongest) const noexcept {
    delay();
    return base::load(order);
  }
  void store(T value, memory_order order = strongest) noexcept {
    delay();
    base::store(value, order);
  }
  T exchange(T value, memory_order order = strongest) noexcept {
    delay();
    return base::exchange(value, order);
  }
  T fetch_add(T value, memory_order order = strongest) noexcept {
    delay();
    return base::fetch_add(value, order);
  }
  T fetch_sub(T value, memory_order order = strongest) noexcept {
    delay();
    return base::fetch_sub(value, order);
  }
  T fetch_and(T value, memory_order order = strongest) noexcept {
    delay();
    return base::fetch_and(value, order);
  }
  T fetch_or(T value, memory_order order = strongest) noexcept {
    delay();
    return base::fetch_or(value, order);
  }
  template <class... Orders>
  bool compare_exchange_strong(T& seen, T value, Orders... orders) noexcept {
    delay();
    return base::compare_exchange_strong(seen, value, orders...);
  }
  template <class... Orders>
  bool compare_exchange_weak(T& seen, T value, Orders... orders) noexcept {
    delay();
    return base::compare_exchange_weak(seen, value, orders...);
  }
};

class mutex {
 public:
  void lock() {
    delay();
    impl_.lock();
  }
  [[nodiscard]] bool try_lock() {
    delay();
    return impl_.try_lock();
  }
  void unlock() {
    impl_.unlock();
    delay();
  }

 private:
  std::mutex impl_;
};

template <class T>
using per_thread = T;

} // namespace parallel::detail
