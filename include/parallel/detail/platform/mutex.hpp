// A mutex: the part of std::mutex that this library uses.
//
// On Linux it uses a pthread mutex, as std::mutex does, because <mutex> includes <chrono> and
// <string>.
#pragma once

#include <parallel/detail/platform/config.hpp>

#if PARALLEL_DETAIL_LINUX
#include <pthread.h>
#else
#include <mutex>
#endif

namespace parallel::detail {

#if PARALLEL_DETAIL_LINUX
class native_mutex {
 public:
  constexpr native_mutex() noexcept = default;
  native_mutex(const native_mutex&) = delete;
  native_mutex& operator=(const native_mutex&) = delete;

  void lock() noexcept { pthread_mutex_lock(&mutex_); }
  [[nodiscard]] bool try_lock() noexcept { return pthread_mutex_trylock(&mutex_) == 0; }
  void unlock() noexcept { pthread_mutex_unlock(&mutex_); }

  /// For the class in condition_variable.hpp.
  [[nodiscard]] pthread_mutex_t* native_handle() noexcept { return &mutex_; }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};
#else
using native_mutex = std::mutex;
#endif

} // namespace parallel::detail
