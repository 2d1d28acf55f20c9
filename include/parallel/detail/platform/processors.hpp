// How many processors this process may use: by its affinity mask, and by CPU quotas.
//
// A container often limits a process to a share of the processors by the quota of a control group,
// which std::thread::hardware_concurrency() ignores. A pool with more threads than the quota allows
// would be throttled. Both versions of Linux's control groups are supported, in the layouts that
// systems and containers mount them in. Outside Linux only the standard library is asked.
#pragma once

#include <parallel/detail/platform/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#if PARALLEL_DETAIL_LINUX
#include <sched.h>
#include <unistd.h>
#else
#include <thread>
#endif

namespace parallel::detail {

/// The number of processors in the affinity mask of this process's first thread; at least 1. (The
/// calling thread may have been pinned for a reason of its own.)
PARALLEL_DETAIL_COMPACT inline std::size_t usable_processors() noexcept {
#if PARALLEL_DETAIL_LINUX
  // The kernel refuses a mask that is shorter than its own: try longer ones.
  for (int processors = 1024; processors <= 1 << 20; processors *= 2) {
    cpu_set_t* mask = CPU_ALLOC(static_cast<std::size_t>(processors));
    if (mask == nullptr)
      break;
    const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(processors));
    const bool known = sched_getaffinity(getpid(), size, mask) == 0;
    const int count = known ? CPU_COUNT_S(size, mask) : 0;
    CPU_FREE(mask);
    if (known)
      return count > 0 ? static_cast<std::size_t>(count) : 1;
  }
#endif
#if PARALLEL_DETAIL_LINUX
  const long processors = sysconf(_SC_NPROCESSORS_ONLN); // -1 if unknown
#else
  const unsigned processors = std::thread::hardware_concurrency(); // 0 if unknown
#endif
  return processors > 0 ? static_cast<std::size_t>(processors) : 1;
}

/// The quota of a control group that sets none.
inline constexpr std::size_t unlimited = SIZE_MAX;

/// The number of processors that `quota` microseconds per `period` microseconds amount to, rounded
/// up.
inline std::size_t processors_of_quota(long long quota, long long period) noexcept {
  if (quota <= 0 || period <= 0)
    return unlimited;
  return static_cast<std::size_t>(quota / period + (quota % period != 0 ? 1 : 0));
}

/// A path, joined from its parts. If they are too long it is empty, and names no file.
struct path_text {
  char text[4352]; // the longest path on Linux, and 256 bytes for the names of files

  explicit path_text(const char* a, const char* b = "", const char* c = "", const char* d = "") {
    const int length = std::snprintf(text, sizeof text, "%s%s%s%s", a, b, c, d);
    if (length < 0 || static_cast<std::size_t>(length) >= sizeof text)
      text[0] = '\0';
  }
};

/// A small text file that is read line by line. A file that cannot be opened has no lines.
class text_file {
 public:
  explicit text_file(const path_text& path) : file_(std::fopen(path.text, "r")) {}
  text_file(const text_file&) = delete;
  text_file& operator=(const text_file&) = delete;
  ~text_file() {
    if (file_ != nullptr)
      std::fclose(file_);
  }

  /// The next line, without its newline; null at the end. Valid until the next call.
  char* next() {
    if (file_ == nullptr || std::fgets(line_, sizeof line_, file_) == nullptr)
      return nullptr;
    line_[std::strcspn(line_, "\n")] = '\0';
    return line_;
  }

 private:
  std::FILE* file_;
  char line_[4352]; // longer than any line in these files; a longer one would be split
};

/// The quota of one control group, from the files of either version; `unlimited` if it sets none.
PARALLEL_DETAIL_COMPACT inline std::size_t group_quota(const char* mount, const char* hierarchy,
                                                       const char* group) {
  const auto numbers = [&](const char* file, const char* format, long long* first,
                           long long* second) {
    text_file text(path_text(mount, hierarchy, group, file));
    const char* line = text.next();
    return line == nullptr ? 0 : std::sscanf(line, format, first, second);
  };
  long long quota = 0;
  long long period = 0;
  // version 2: "50000 100000", or "max 100000", which has no number to scan
  if (numbers("/cpu.max", "%lld %lld", &quota, &period) == 2)
    return processors_of_quota(quota, period);
  // version 1: two files; a quota of -1 means none
  if (numbers("/cpu.cfs_quota_us", "%lld", &quota, &period) == 1 &&
      numbers("/cpu.cfs_period_us", "%lld", &period, &quota) == 1)
    return processors_of_quota(quota, period);
  return unlimited;
}

/// Lowers `lowest` to the quotas of a control group and of all its ancestors. The group is the
/// folder `path` in one of two possible hierarchies below `mount`. Shortens `path`.
inline void lower_to_quotas(std::size_t& lowest, const char* mount,
                            const char* const (&hierarchies)[2], char* path) {
  for (char* end = path + std::strlen(path); end != nullptr; end = std::strrchr(path, '/')) {
    *end = '\0';
    for (const char* hierarchy : hierarchies) {
      const std::size_t quota = group_quota(mount, hierarchy, path);
      lowest = quota < lowest ? quota : lowest;
    }
  }
}

/// The lowest quota of this process's control groups and all their ancestors, in whole processors,
/// rounded up; `unlimited` if there is none. `root` is put before every path, so that a test can
/// provide files of its own.
PARALLEL_DETAIL_COMPACT inline std::size_t processor_quota(const char* root = "") {
  std::size_t lowest = unlimited;
  const path_text mount(root, "/sys/fs/cgroup");
  text_file groups(path_text(root, "/proc/self/cgroup"));
  while (char* line = groups.next()) {
    // Each line is hierarchy:controllers:path. In version 2 it is "0::/path".
    char* controllers = std::strchr(line, ':');
    char* path = controllers == nullptr ? nullptr : std::strchr(controllers + 1, ':');
    if (path == nullptr)
      continue;
    *controllers++ = '\0';
    *path++ = '\0';
    const bool is_version2 = *controllers == '\0';
    const path_text listed(",", controllers, ",");
    if (*path != '/' || (!is_version2 && std::strstr(listed.text, ",cpu,") == nullptr))
      continue;
    const path_text joint("/", controllers); // version 1 often mounts cpu and cpuacct together
    const char* const hierarchies[2] = {is_version2 ? "" : joint.text,
                                        is_version2 ? "/unified" : "/cpu"};
    lower_to_quotas(lowest, mount.text, hierarchies, path);
  }
  return lowest;
}

} // namespace parallel::detail
