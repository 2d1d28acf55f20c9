// What a thread of ours needs of the system: to start, pause, sleep, give way, have a name; to end
// it all.
//
// Part of the platform room: Linux has its own answers, as <thread> takes long to compile;
// everything else, or a build with PARALLEL_PORTABLE defined, gets the standard library's. Entered
// from scheduler/workers.hpp and io/threads.hpp, which start threads, and wherever one pauses or
// sleeps.
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

/// Lets another thread have the processor, if one is waiting for it.
inline void yield() noexcept {
#if PARALLEL_DETAIL_LINUX
  sched_yield();
#else
  std::this_thread::yield();
#endif
}

/// Sleeps for so many nanoseconds, or less.
inline void sleep_for(std::int64_t ns) noexcept {
#if PARALLEL_DETAIL_LINUX
  const timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
  nanosleep(&time, nullptr);
#else
  std::this_thread::sleep_for(std::chrono::nanoseconds(ns));
#endif
}

/// Tells the processor that this thread is waiting for another.
inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#else
  yield();
#endif
}

/// A thread that is started once, if it can be had, and then joined. (std::thread, as far as a
/// worker needs it.)
class native_thread {
 public:
  native_thread() = default;
  native_thread(const native_thread&) = delete;
  native_thread& operator=(const native_thread&) = delete;

  /// Runs run(argument) on a new thread; false when the system has none to give.
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

  /// Waits for its end; does nothing if it was never started.
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
  bool started_ = false; // the starter's
#if PARALLEL_DETAIL_LINUX
  pthread_t thread_{};
#else
  std::thread thread_;
#endif
};

/// How the threads of a pool are started. It is made with the pool: whoever starts a thread, maybe
/// another shared library, has it run the code of the one that has made the pool, which is there
/// for as long as the pool is.
struct thread_start {
  bool (*start)(native_thread&, void (*run)(void*) noexcept, void* argument) noexcept =
      [](native_thread& thread, void (*run)(void*) noexcept, void* argument) noexcept {
        return thread.start(run, argument);
      };
};

/// Names the calling thread `prefix/number` for debuggers and `top`, where names can be had; a long
/// prefix loses its end.
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

/// Ends the program over a mistake that leaves no other way out, with a message that says which.
[[noreturn]] inline void fatal(const char* message) noexcept {
  std::fprintf(stderr, "parallel: %s\n", message);
  std::abort();
}

} // namespace parallel::detail
