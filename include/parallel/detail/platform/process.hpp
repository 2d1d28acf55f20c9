// This process: its number, and what becomes of the library in its children.
//
// Linux knows both. On other systems, and in a build with PARALLEL_PORTABLE defined, the number is
// not known and a fork is not seen.
#pragma once

#include <parallel/detail/platform/config.hpp>

#include <cstdint>

#if PARALLEL_DETAIL_LINUX
#include <pthread.h>
#include <unistd.h>
#endif

namespace parallel::detail {

/// The number of this process; 1 where it is not known.
inline std::uint64_t process_id() noexcept {
#if PARALLEL_DETAIL_LINUX
  return static_cast<std::uint64_t>(getpid());
#else
  return 1;
#endif
}

/// Calls `forget` in each child that this process forks from now on, before fork() returns there.
/// Does nothing where there is no memory to register it.
inline void call_in_children([[maybe_unused]] void (*forget)()) noexcept {
#if PARALLEL_DETAIL_LINUX
  static_cast<void>(pthread_atfork(nullptr, nullptr, forget));
#endif
}

} // namespace parallel::detail
