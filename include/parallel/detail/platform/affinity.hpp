// Chooses where a woken worker starts to run.
//
// The kernel may put a woken thread on its waker's processor, where it has to wait until the
// waker sleeps or is preempted. A wake_affinity removes that processor from the worker's affinity
// mask while the worker sleeps. Outside Linux it does nothing.
#pragma once

#include <parallel/detail/platform/config.hpp>

#include <utility>

#if PARALLEL_DETAIL_LINUX
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace parallel::detail {

/// The number of the processor that the calling thread runs on; -1 if it is not known.
inline int this_processor() noexcept {
#if PARALLEL_DETAIL_LINUX
  return sched_getcpu();
#else
  return -1;
#endif
}

/// Excludes one processor from a thread's affinity mask while the thread sleeps. Only threads of
/// this library are changed, and only during their sleep.
///
/// The sleeping thread excludes the processor on which its last waker ran, so that its next waker
/// has nothing to do if it runs there too. The thread restores its mask itself: if the waker did
/// so, it would have to wait until the thread runs.
class wake_affinity {
 public:
#if PARALLEL_DETAIL_LINUX
  /// Called by the thread itself before it sleeps, and before another thread can wake it.
  void exclude(int processor) noexcept {
    thread_ = static_cast<pid_t>(syscall(SYS_gettid));
    process_ = getpid();
    if (read(original_))
      restrict_to_others(processor);
  }

  /// Called by the one thread that is about to wake the sleeper: if a processor is excluded,
  /// excludes `processor` instead of it.
  void exclude_instead(int processor) noexcept {
    // After a fork() the thread belongs to another process.
    if (is_restricted_ && processor != excluded_ && process_ == getpid() && is_unchanged())
      restrict_to_others(processor);
  }

  /// Called by the thread itself as soon as it is awake: restores its mask, unless other code has
  /// set one during the sleep.
  void restore() noexcept {
    if (std::exchange(is_restricted_, false) && is_unchanged())
      sched_setaffinity(thread_, sizeof original_, &original_);
  }

 private:
  /// Fails on systems with more than 1,024 processors, whose masks are longer.
  bool read(cpu_set_t& mask) const noexcept {
    return sched_getaffinity(thread_, sizeof mask, &mask) == 0;
  }

  /// False if other code has changed the thread's mask since this class did.
  [[nodiscard]] bool is_unchanged() const noexcept {
    cpu_set_t now;
    return read(now) && CPU_EQUAL(&now, &restricted_);
  }

  /// Does nothing if no other processor is left, or if the mask does not contain this one.
  void restrict_to_others(int processor) noexcept {
    if (processor < 0 || processor >= CPU_SETSIZE)
      return;
    cpu_set_t rest = original_;
    CPU_CLR(processor, &rest);
    if (CPU_COUNT(&rest) == 0 || CPU_EQUAL(&rest, &original_) ||
        sched_setaffinity(thread_, sizeof rest, &rest) != 0)
      return;
    is_restricted_ = true;
    restricted_ = rest;
    excluded_ = processor;
  }

  bool is_restricted_ = false;
  pid_t thread_ = 0;
  pid_t process_ = 0;
  int excluded_ = -1;
  cpu_set_t original_{};
  cpu_set_t restricted_{};
#else
  void exclude(int) noexcept {}
  void exclude_instead(int) noexcept {}
  void restore() noexcept {}
#endif
};

} // namespace parallel::detail
