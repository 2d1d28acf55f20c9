// Sleeping on a word in memory until it changes.
//
// Part of the platform room: Linux has futexes; everything else, or a build with PARALLEL_PORTABLE
// defined, gets std::atomic's wait and notify, which look and yield for a while before they sleep,
// and take long to compile. Entered from scheduler/parking.hpp and scheduler/job.hpp.
#pragma once

#include <parallel/detail/platform/atomic.hpp>
#include <parallel/detail/platform/config.hpp>

#include <cstdint>

#if PARALLEL_DETAIL_LINUX
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace parallel::detail {

/// Sleeps if `word` is still `seen`, until a wake; may return at any time: look at it again.
inline void sleep_on(const native_atomic<std::uint32_t>& word, std::uint32_t seen) noexcept {
#if PARALLEL_DETAIL_LINUX
  static_assert(sizeof word == 4);
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
#else
  word.wait(seen, memory_order_relaxed); // relaxed: the caller looks at it again
#endif
}

/// Wakes one sleeper, if there is any. Change the word first, with a seq_cst read-modify-write:
/// libstdc++'s notify_one() looks for sleepers with a plain load, which must not overtake it.
inline void wake_one_on(native_atomic<std::uint32_t>& word) noexcept {
#if PARALLEL_DETAIL_LINUX
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
#else
  word.notify_one();
#endif
}

} // namespace parallel::detail
