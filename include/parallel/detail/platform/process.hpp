// The number of this process, and a function to be called in its forked children.
//
// Outside Linux the number is not known and forks are not noticed.
#pragma once

#include <parallel/detail/platform/config.hpp>

#include <cstdint>

#if PARALLEL_DETAIL_LINUX
#include <pthread.h>
#include <unistd.h>
#endif

namespace parallel::detail {

/// The number of this process; 1 if it is not known.
inline std::uint64_t process_id() noexcept {
#if PARALLEL_DETAIL_LINUX
  return static_cast<std::uint64_t>(getpid());
#else
  return 1;
#endif
}

/// Registers `forget` to be called in each child that this process forks from now on, before fork()
/// returns there. Does nothing if there is no memory for the registration.
inline void call_in_children([[maybe_unused]] void (*forget)()) noexcept {
#if PARALLEL_DETAIL_LINUX
  static_cast<void>(pthread_atfork(nullptr, nullptr, forget));
#endif
}

} // namespace parallel::detail
