// What a thread of ours does with the system's help: pause, take a name, end the program.
//
// Part of the platform room: Linux has its own answers, everything else, or a build with
// PARALLEL_PORTABLE defined, the standard library's. Entered from scheduler.hpp and io_pool.hpp.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <thread>

#if defined(__linux__) && !defined(PARALLEL_PORTABLE)
#define PARALLEL_DETAIL_LINUX 1
#include <pthread.h>
#else
#define PARALLEL_DETAIL_LINUX 0
#endif

namespace parallel::detail {

/// Tells the processor that this thread is waiting for another.
inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#else
  std::this_thread::yield();
#endif
}

/// Names the calling thread `prefix/number` for debuggers and `top`, where names can be had.
inline void name_this_thread([[maybe_unused]] const char* prefix,
                             [[maybe_unused]] std::size_t number) noexcept {
#if PARALLEL_DETAIL_LINUX
  char name[16]; // the kernel's limit, with the terminating zero
  std::snprintf(name, sizeof name, "%s/%zu", prefix, number);
  pthread_setname_np(pthread_self(), name);
#endif
}

/// Ends the program over a mistake that leaves no other way out, with a message that says which.
[[noreturn]] inline void fatal(const char* message) noexcept {
  std::fprintf(stderr, "parallel: %s\n", message);
  std::abort();
}

} // namespace parallel::detail
