// The one place for what differs between operating systems: processors this process may use, thread
// names, the processor's pause instruction.
//
// Linux has its own answers; everything else, or a build with PARALLEL_PORTABLE defined, gets the
// standard library's. Entered from scheduler.hpp, thread_pool.hpp and io_pool.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <utility>

#if defined(__linux__) && !defined(PARALLEL_PORTABLE)
#define PARALLEL_DETAIL_LINUX 1
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#define PARALLEL_DETAIL_LINUX 0
#endif

#if defined(__x86_64__) && !defined(PARALLEL_PORTABLE)
#define PARALLEL_DETAIL_COUNTER 1
#else
#define PARALLEL_DETAIL_COUNTER 0
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

/// A clock for short times: the processor's own counter where it can be read in a few nanoseconds,
/// else steady_clock. Good enough to size work, not to tell time. Thread-safe.
class quick_clock {
 public:
  /// Ticks since some moment.
  static std::uint64_t now() noexcept {
#if PARALLEL_DETAIL_COUNTER
    return __builtin_ia32_rdtsc();
#else
    return steady_ns();
#endif
  }

  /// From one moment to another; below zero if `to` was read on a processor that lags behind.
  static double ns_between(std::uint64_t from, std::uint64_t to) noexcept {
    return static_cast<double>(static_cast<std::int64_t>(to - from)) *
           ns_per_tick_.load(std::memory_order_relaxed); // relaxed: any calibration will do
  }

  /// Finds out how long a tick is, in 60 microseconds; does nothing when that is known. Until then
  /// a tick is taken for 0.4 nanoseconds.
  static void calibrate() noexcept {
#if PARALLEL_DETAIL_COUNTER
    if (calibrated_.exchange(true, std::memory_order_relaxed)) // relaxed: once is enough
      return;
    std::array<double, 3> tries{};
    for (double& found : tries) {
      const std::uint64_t from_ns = steady_ns();
      const std::uint64_t from = now();
      std::uint64_t to_ns = from_ns;
      while (to_ns < from_ns + 20'000)
        to_ns = steady_ns();
      found = static_cast<double>(to_ns - from_ns) / static_cast<double>(now() - from);
    }
    std::sort(tries.begin(), tries.end());
    // The middle one, in case the thread lost its processor in between. relaxed: as above
    ns_per_tick_.store(tries[1], std::memory_order_relaxed);
#endif
  }

 private:
  static std::uint64_t steady_ns() noexcept {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                          std::chrono::steady_clock::now().time_since_epoch())
                                          .count());
  }

  static inline constinit std::atomic<bool> calibrated_{false};
  static inline constinit std::atomic<double> ns_per_tick_{PARALLEL_DETAIL_COUNTER ? 0.4 : 1};
};

/// Names the calling thread `prefix/number` for debuggers and `top`, where names can be had.
inline void name_this_thread([[maybe_unused]] const char* prefix,
                             [[maybe_unused]] std::size_t number) noexcept {
#if PARALLEL_DETAIL_LINUX
  char name[16]; // the kernel's limit, with the terminating zero
  std::snprintf(name, sizeof name, "%s/%zu", prefix, number);
  pthread_setname_np(pthread_self(), name);
#endif
}

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

/// Ends the program over a mistake that leaves no other way out, with a message that says which.
[[noreturn]] inline void fatal(const char* message) noexcept {
  std::fprintf(stderr, "parallel: %s\n", message);
  std::abort();
}

/// Processors that this process may run on, by its first thread's affinity mask (the calling one
/// may be pinned for reasons of its own); at least 1.
inline std::size_t usable_processors() noexcept {
#if PARALLEL_DETAIL_LINUX
  // The kernel refuses a mask shorter than its own: ask with ever longer ones.
  for (int processors = 1024; processors <= 1 << 20; processors *= 2) {
    cpu_set_t* mask = CPU_ALLOC(static_cast<std::size_t>(processors));
    if (mask == nullptr)
      break;
    const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(processors));
    const bool known = sched_getaffinity(getpid(), size, mask) == 0;
    const int count = known ? CPU_COUNT_S(size, mask) : 0;
    CPU_FREE(mask);
    if (known)
      return static_cast<std::size_t>(std::max(count, 1));
  }
#endif
  return std::max(std::thread::hardware_concurrency(), 1U);
}

/// No limit.
inline constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

/// Processors that `quota` microseconds in each `period` amount to, rounded up.
inline std::size_t processors_of_quota(long long quota, long long period) noexcept {
  if (quota <= 0 || period <= 0)
    return unlimited;
  return static_cast<std::size_t>(quota / period + (quota % period != 0 ? 1 : 0));
}

/// A small text file, read line by line; one that cannot be opened has no lines.
class text_file {
 public:
  explicit text_file(const std::string& path) : file_(std::fopen(path.c_str(), "r")) {}
  text_file(const text_file&) = delete;
  text_file& operator=(const text_file&) = delete;
  ~text_file() {
    if (file_ != nullptr)
      std::fclose(file_);
  }

  /// The next line without its end; false when there is none.
  bool next(std::string& line) {
    char text[4096]; // longer than any path in these files; a longer line would come in parts
    if (file_ == nullptr || std::fgets(text, sizeof text, file_) == nullptr)
      return false;
    line.assign(text, std::strcspn(text, "\n"));
    return true;
  }

 private:
  std::FILE* file_;
};

/// The first line of a small file, or an empty string when it cannot be read.
inline std::string first_line(const std::string& path) {
  std::string line;
  text_file(path).next(line);
  return line;
}

/// The limit that one control group sets, in either version's files; `unlimited` if none.
inline std::size_t group_quota(const std::string& group) {
  long long quota = 0;
  long long period = 0;
  // version 2: "50000 100000", or "max 100000", which does not scan
  if (std::sscanf(first_line(group + "/cpu.max").c_str(), "%lld %lld", &quota, &period) == 2)
    return processors_of_quota(quota, period);
  // version 1: two files; a quota of -1 means none
  if (std::sscanf(first_line(group + "/cpu.cfs_quota_us").c_str(), "%lld", &quota) == 1 &&
      std::sscanf(first_line(group + "/cpu.cfs_period_us").c_str(), "%lld", &period) == 1)
    return processors_of_quota(quota, period);
  return unlimited;
}

/// The tightest processor limit over this process's control group and all its ancestors, rounded
/// up to whole processors; `unlimited` where there is none. `root` stands before every path, so
/// that a test can lay out a machine of its own.
inline std::size_t processor_quota(const std::string& root = "") {
  std::size_t least = unlimited;
  text_file groups(root + "/proc/self/cgroup");
  for (std::string line; groups.next(line);) {
    // hierarchy:controllers:path; version 2 is "0::/path"
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos)
      continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool version2 = controllers.empty();
    if (!version2 && ("," + controllers + ",").find(",cpu,") == std::string::npos)
      continue;
    std::string path = line.substr(second + 1);
    if (path.empty() || path[0] != '/')
      continue;
    if (path == "/")
      path.clear();
    for (;;) { // the group itself, then each ancestor up to the mount point
      const std::string mount = root + "/sys/fs/cgroup";
      if (version2) {
        least = std::min(least, group_quota(mount + path));
        least = std::min(least, group_quota(mount + "/unified" + path));
      } else {
        least = std::min(least, group_quota(mount + "/" + controllers + path));
        least = std::min(least, group_quota(mount + "/cpu" + path));
      }
      if (path.empty())
        break;
      path.erase(path.rfind('/'));
    }
  }
  return least;
}

} // namespace parallel::detail
