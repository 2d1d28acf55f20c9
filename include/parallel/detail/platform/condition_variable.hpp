// A condition variable for the mutex in mutex.hpp.
//
// On Linux it is a pthread condition variable that measures timeouts on the monotonic clock. It
// includes <chrono> and <mutex>: headers that a plain parallel::map needs should not include it.
#pragma once

#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/mutex.hpp>

#if PARALLEL_DETAIL_LINUX
#include <chrono>
#include <mutex>
#include <pthread.h>
#include <time.h>
#else
#include <condition_variable>
#endif

namespace parallel::detail {

#if PARALLEL_DETAIL_LINUX
class condition_variable {
 public:
  condition_variable() noexcept {
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&condition_, &steady);
    pthread_condattr_destroy(&steady);
  }
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;
  ~condition_variable() { pthread_cond_destroy(&condition_); }

  void notify_one() noexcept { pthread_cond_signal(&condition_); }
  void notify_all() noexcept { pthread_cond_broadcast(&condition_); }

  /// Unlocks `held`, waits for a notification and locks it again. May return without a
  /// notification.
  void wait(std::unique_lock<native_mutex>& held) noexcept {
    pthread_cond_wait(&condition_, held.mutex()->native_handle());
  }

  /// Waits until is_ready() returns true.
  template <class Ready>
  void wait(std::unique_lock<native_mutex>& held, const Ready& is_ready) {
    while (!is_ready())
      wait(held);
  }

  /// Waits as wait() does, but no longer than `longest`.
  void wait_for(std::unique_lock<native_mutex>& held, std::chrono::nanoseconds longest) noexcept {
    wait_until(held, end_of(longest));
  }
  template <class Ready>
  void wait_for(std::unique_lock<native_mutex>& held, std::chrono::nanoseconds longest,
                const Ready& is_ready) {
    const timespec end = end_of(longest);
    while (!is_ready())
      if (!wait_until(held, end))
        return;
  }

 private:
  static timespec end_of(std::chrono::nanoseconds wait) noexcept {
    constexpr std::int64_t second = 1'000'000'000;
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    const std::int64_t ns = wait.count() % second + time.tv_nsec;
    time.tv_sec += static_cast<time_t>(wait.count() / second + ns / second);
    time.tv_nsec = static_cast<long>(ns % second);
    return time;
  }

  /// False if it has timed out.
  bool wait_until(std::unique_lock<native_mutex>& held, const timespec& end) noexcept {
    return pthread_cond_timedwait(&condition_, held.mutex()->native_handle(), &end) == 0;
  }

  pthread_cond_t condition_;
};
#else
using condition_variable = std::condition_variable;
#endif

} // namespace parallel::detail
