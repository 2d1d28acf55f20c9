// Where a worker that is woken starts to run.
//
// Part of the platform room: Linux has its own answer; everything else, or a build with
// PARALLEL_PORTABLE defined, leaves it to the system. Entered from scheduler.hpp.
#pragma once

#include <utility>

#if defined(__linux__) && !defined(PARALLEL_PORTABLE)
#define PARALLEL_DETAIL_LINUX 1
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#define PARALLEL_DETAIL_LINUX 0
#endif

namespace parallel::detail {

/// The processor that the calling thread runs on; -1 where that cannot be told.
inline int this_processor() noexcept {
#if PARALLEL_DETAIL_LINUX
  return sched_getcpu();
#else
  return -1;
#endif
}

/// Has a sleeping thread woken elsewhere than on its waker's processor, where it would have to wait
/// until the waker rests. Only a thread of our own is ever moved, and only while it sleeps.
///
/// The thread's affinity mask lacks one processor during its sleep, the one on which its last waker
/// was found; so the waker has nothing to do as long as it stays there.
class placement {
 public:
#if PARALLEL_DETAIL_LINUX
  /// The thread itself, before anybody can wake it: it is about to sleep.
  void keep_off(int processor) noexcept {
    if (thread_ == 0)
      thread_ = static_cast<pid_t>(syscall(SYS_gettid));
    if (!read(own_))
      return;
    avoid(processor);
  }

  /// Its one waker, before the wake: sees to it that the thread is kept off `processor`, if it has
  /// been kept off any.
  void move_off(int processor) noexcept {
    if (moved_ && processor != avoided_)
      avoid(processor);
  }

  /// The thread itself, when it is awake: takes its mask back, unless somebody else has set one
  /// meanwhile.
  void settle() noexcept {
    if (cpu_set_t now; std::exchange(moved_, false) && read(now) && CPU_EQUAL(&now, &elsewhere_))
      sched_setaffinity(thread_, sizeof own_, &own_);
  }

 private:
  bool read(cpu_set_t& mask) const noexcept {
    return sched_getaffinity(thread_, sizeof mask, &mask) == 0; // not beyond 1,024 processors
  }

  void avoid(int processor) noexcept {
    if (processor < 0 || processor >= CPU_SETSIZE)
      return;
    elsewhere_ = own_;
    CPU_CLR(processor, &elsewhere_);
    if (CPU_COUNT(&elsewhere_) == 0 || CPU_EQUAL(&elsewhere_, &own_))
      return;
    moved_ = sched_setaffinity(thread_, sizeof elsewhere_, &elsewhere_) == 0 || moved_;
    avoided_ = processor;
  }

  pid_t thread_ = 0;
  bool moved_ = false;
  int avoided_ = -1;
  cpu_set_t own_{};
  cpu_set_t elsewhere_{};
#else
  void keep_off(int) noexcept {}
  void move_off(int) noexcept {}
  void settle() noexcept {}
#endif
};

} // namespace parallel::detail
