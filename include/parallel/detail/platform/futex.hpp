// Sleeping on a word in memory until it changes.
//
// Linux has futexes. The portable code uses the wait and notify functions of std::atomic, which
// spin and yield for a while before they sleep.
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

/// Sleeps until wake_one_on(word), unless `word` has another value than `seen`. May return without
/// a wake, so the caller must load the word again.
inline void sleep_on(const native_atomic<std::uint32_t>& word, std::uint32_t seen) noexcept {
#if PARALLEL_DETAIL_LINUX
  static_assert(sizeof word == 4);
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
#else
  word.wait(seen, memory_order_relaxed); // relaxed: the caller loads it again
#endif
}

/// Wakes one thread that sleeps on the word, if there is any. The caller must change the word
/// first, by a seq_cst read-modify-write operation: libstdc++'s notify_one() checks for sleepers by
/// a plain load, which must not be reordered before the change.
inline void wake_one_on(native_atomic<std::uint32_t>& word) noexcept {
#if PARALLEL_DETAIL_LINUX
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
#else
  word.notify_one();
#endif
}

} // namespace parallel::detail
