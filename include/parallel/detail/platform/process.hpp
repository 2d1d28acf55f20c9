// What becomes of this process when it forks.
//
// Part of the platform room: Linux can tell the child; everything else, or a build with
// PARALLEL_PORTABLE defined, does not. Entered from pool.hpp and
// trace_log.hpp.
#pragma once

#include <parallel/detail/platform/has_linux.hpp>

#if PARALLEL_DETAIL_LINUX
#include <pthread.h>
#endif

namespace parallel::detail {

/// From now on `forget` is called in each child that is forked, before fork() returns there. Where
/// there is no memory to remember that, a child is on its own.
inline void call_in_children([[maybe_unused]] void (*forget)()) noexcept {
#if PARALLEL_DETAIL_LINUX
  static_cast<void>(pthread_atfork(nullptr, nullptr, forget));
#endif
}

} // namespace parallel::detail
