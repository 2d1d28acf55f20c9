// Threads: to start, join and name them, to pause, yield and sleep; and to end the program.
//
// On Linux it uses pthreads and system calls.
#pragma once

#include <parallel/detail/platform/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#if PARALLEL_DETAIL_LINUX
#include <pthread.h>
#include <sched.h>
#include <time.h>
#else
#include <chrono>
#include <thread>
#endif

namespace parallel::detail {

/// Gives the processor to another thread, if one waits for it.
inline void yield() noexcept {
#if PARALLEL_DETAIL_LINUX
  sched_yield();
#else
  std::this_thread::yield();
#endif
}

/// Sleeps for `ns` nanoseconds, or less.
inline void sleep_for(std::int64_t ns) noexcept {
#if PARALLEL_DETAIL_LINUX
  const timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
  nanosleep(&time, nullptr);
#else
  std::this_thread::sleep_for(std::chrono::nanoseconds(ns));
#endif
}

/// Tells the processor that this thread spins while it waits for another one.
inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#else
  yield();
#endif
}

/// A thread that is started and joined at most once: the part of std::thread that a worker needs.
class native_thread {
 public:
  native_thread() = default;
  native_thread(const native_thread&) = delete;
  native_thread& operator=(const native_thread&) = delete;

  /// Runs run(argument) on a new thread. False if the system cannot create one.
  [[nodiscard]] bool start(void (*run)(void*) noexcept, void* argument) noexcept {
    run_ = run;
    argument_ = argument;
#if PARALLEL_DETAIL_LINUX
    started_ = pthread_create(&thread_, nullptr, &enter, this) == 0;
#else
    try {
      thread_ = std::thread(&enter, this);
      started_ = true;
    } catch (...) { // std::system_error or std::bad_alloc
    }
#endif
    return started_;
  }

  [[nodiscard]] bool is_joinable() const noexcept {
    return started_;
  }

  /// Waits until the thread has ended; does nothing if it was not started.
  void join() noexcept {
    if (!started_)
      return;
    started_ = false;
#if PARALLEL_DETAIL_LINUX
    pthread_join(thread_, nullptr);
#else
    thread_.join();
#endif
  }

 private:
  static void* enter(void* self) noexcept {
    const native_thread& thread = *static_cast<const native_thread*>(self);
    thread.run_(thread.argument_);
    return nullptr;
  }

  void (*run_)(void*) noexcept = nullptr;
  void* argument_ = nullptr;
  bool started_ = false; // not used by the new thread
#if PARALLEL_DETAIL_LINUX
  pthread_t thread_{};
#else
  std::thread thread_;
#endif
};

/// Starts the threads of a pool. Each pool contains one, made together with the pool. A call in
/// another shared library may start a thread of the pool; by way of this object the thread still
/// runs code of the module that made the pool, which stays loaded as long as the pool exists.
struct thread_start {
  bool (*start)(native_thread&, void (*run)(void*) noexcept, void* argument) noexcept =
      [](native_thread& thread, void (*run)(void*) noexcept, void* argument) noexcept {
        return thread.start(run, argument);
      };
};

/// Names the calling thread `prefix/number`, for debuggers and `top`. A long prefix is cut off.
/// Does nothing on systems without thread names.
inline void name_this_thread([[maybe_unused]] const char* prefix,
                             [[maybe_unused]] std::size_t number) noexcept {
#if PARALLEL_DETAIL_LINUX
  char name[16]; // the kernel's limit, with the terminating zero
  const int digits = std::snprintf(nullptr, 0, "/%zu", number);
  std::snprintf(name, sizeof name, "%.*s/%zu", static_cast<int>(sizeof name) - 1 - digits, prefix,
                number);
  pthread_setname_np(pthread_self(), name);
#endif
}

/// Prints a message and ends the program. For mistakes in its use that cannot be reported
/// otherwise.
[[noreturn]] inline void fatal(const char* message) noexcept {
  std::fprintf(stderr, "parallel: %s\n", message);
  std::abort();
}

} // namespace parallel::detail
