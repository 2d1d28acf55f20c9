// What threads meet through, in stress builds: the standard library's, but whoever comes to it may
// dawdle first, so that schedules come about that hardly ever would.
//
// It stands in for include/parallel/detail/platform/sync.hpp. PARALLEL_STRESS_SEED in the
// environment chooses who dawdles where and for how long.
#pragma once

#include <parallel/detail/platform/atomic.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace parallel::detail {

/// Mostly nothing; now and then the thread gives way, goes round in circles, or sleeps a little.
inline void dawdle() noexcept {
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
    dawdle();
    return base::load(order);
  }
  void store(T value, memory_order order = strongest) noexcept {
    dawdle();
    base::store(value, order);
  }
  T exchange(T value, memory_order order = strongest) noexcept {
    dawdle();
    return base::exchange(value, order);
  }
  T fetch_add(T value, memory_order order = strongest) noexcept {
    dawdle();
    return base::fetch_add(value, order);
  }
  T fetch_sub(T value, memory_order order = strongest) noexcept {
    dawdle();
    return base::fetch_sub(value, order);
  }
  T fetch_and(T value, memory_order order = strongest) noexcept {
    dawdle();
    return base::fetch_and(value, order);
  }
  T fetch_or(T value, memory_order order = strongest) noexcept {
    dawdle();
    return base::fetch_or(value, order);
  }
  template <class... Orders>
  bool compare_exchange_strong(T& seen, T value, Orders... orders) noexcept {
    dawdle();
    return base::compare_exchange_strong(seen, value, orders...);
  }
  template <class... Orders>
  bool compare_exchange_weak(T& seen, T value, Orders... orders) noexcept {
    dawdle();
    return base::compare_exchange_weak(seen, value, orders...);
  }
};

class mutex {
 public:
  void lock() {
    dawdle();
    impl_.lock();
  }
  [[nodiscard]] bool try_lock() {
    dawdle();
    return impl_.try_lock();
  }
  void unlock() {
    impl_.unlock();
    dawdle();
  }

 private:
  std::mutex impl_;
};

template <class T>
using per_thread = T;

} // namespace parallel::detail
