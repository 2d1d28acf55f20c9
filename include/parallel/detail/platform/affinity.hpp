// Where a worker that is woken starts to run.
//
// Part of the platform room: Linux has its own answer; everything else, or a build with
// PARALLEL_PORTABLE defined, leaves it to the system. Entered from scheduler/workers.hpp.
#pragma once

#include <parallel/detail/platform/config.hpp>

#include <utility>

#if PARALLEL_DETAIL_LINUX
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
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
/// was found; so the waker has nothing to do as long as it stays there. (If the waker gave the mask
/// back too, it would have to wait until the thread runs.)
class wake_affinity {
 public:
#if PARALLEL_DETAIL_LINUX
  /// The thread itself, before anybody can wake it: it is about to sleep.
  [[gnu::cold]] void keep_off(int processor) noexcept {
    thread_ = static_cast<pid_t>(syscall(SYS_gettid));
    process_ = getpid();
    if (read(own_))
      avoid(processor);
  }

  /// Its one waker, before the wake: sees to it that the thread is kept off `processor`, if it has
  /// been kept off any.
  void move_off(int processor) noexcept {
    // After a fork() the thread is another process's.
    if (moved_ && processor != avoided_ && process_ == getpid() && is_untouched())
      avoid(processor);
  }

  /// The thread itself, as soon as it is awake: takes its mask back, unless somebody else has set
  /// one meanwhile.
  [[gnu::cold]] void settle() noexcept {
    if (std::exchange(moved_, false) && is_untouched())
      sched_setaffinity(thread_, sizeof own_, &own_);
  }

 private:
  bool read(cpu_set_t& mask) const noexcept {
    return sched_getaffinity(thread_, sizeof mask, &mask) == 0; // not beyond 1,024 processors
  }

  /// False when somebody else has given the thread a mask since.
  [[nodiscard]] bool is_untouched() const noexcept {
    cpu_set_t now;
    return read(now) && CPU_EQUAL(&now, &elsewhere_);
  }

  void avoid(int processor) noexcept {
    if (processor < 0 || processor >= CPU_SETSIZE)
      return;
    cpu_set_t rest = own_;
    CPU_CLR(processor, &rest);
    if (CPU_COUNT(&rest) == 0 || CPU_EQUAL(&rest, &own_) ||
        sched_setaffinity(thread_, sizeof rest, &rest) != 0)
      return;
    moved_ = true;
    elsewhere_ = rest;
    avoided_ = processor;
  }

  bool moved_ = false;
  pid_t thread_ = 0;
  pid_t process_ = 0;
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
