// How many processors this process may use: affinity masks and control groups.
//
// Part of the platform room: Linux has its own answers; everything else, or a build with
// PARALLEL_PORTABLE defined, gets the standard library's. Entered from pool_options.hpp.
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

/// Processors that this process may run on, by its first thread's affinity mask (the calling one
/// may be pinned for reasons of its own); at least 1.
[[gnu::cold]] inline std::size_t usable_processors() noexcept {
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
      return count > 0 ? static_cast<std::size_t>(count) : 1;
  }
#endif
#if PARALLEL_DETAIL_LINUX
  const long processors = sysconf(_SC_NPROCESSORS_ONLN); // -1 when it does not know
#else
  const unsigned processors = std::thread::hardware_concurrency(); // 0 when it does not know
#endif
  return processors > 0 ? static_cast<std::size_t>(processors) : 1;
}

/// No limit.
inline constexpr std::size_t unlimited = SIZE_MAX;

/// Processors that `quota` microseconds in each `period` amount to, rounded up.
inline std::size_t processors_of_quota(long long quota, long long period) noexcept {
  if (quota <= 0 || period <= 0)
    return unlimited;
  return static_cast<std::size_t>(quota / period + (quota % period != 0 ? 1 : 0));
}

/// A path, joined from its parts; empty, so that it names no file, when they are too long.
struct path_text {
  char text[4352]; // the longest path that Linux knows, and room for the files' names

  explicit path_text(const char* a, const char* b = "", const char* c = "", const char* d = "") {
    const int length = std::snprintf(text, sizeof text, "%s%s%s%s", a, b, c, d);
    if (length < 0 || static_cast<std::size_t>(length) >= sizeof text)
      text[0] = '\0';
  }
};

/// A small text file, read line by line; one that cannot be opened has no lines.
class text_file {
 public:
  explicit text_file(const path_text& path) : file_(std::fopen(path.text, "r")) {}
  text_file(const text_file&) = delete;
  text_file& operator=(const text_file&) = delete;
  ~text_file() {
    if (file_ != nullptr)
      std::fclose(file_);
  }

  /// The next line, without its end; null when there is none. Valid until the next call.
  char* next() {
    if (file_ == nullptr || std::fgets(line_, sizeof line_, file_) == nullptr)
      return nullptr;
    line_[std::strcspn(line_, "\n")] = '\0';
    return line_;
  }

 private:
  std::FILE* file_;
  char line_[4352]; // longer than any line in these files; a longer one would come in parts
};

/// The limit that one control group sets, in either version's files; `unlimited` if none.
[[gnu::cold]] inline std::size_t group_quota(const char* mount, const char* hierarchy,
                                             const char* group) {
  const auto numbers = [&](const char* file, const char* format, long long* first,
                           long long* second) {
    text_file text(path_text(mount, hierarchy, group, file));
    const char* line = text.next();
    return line == nullptr ? 0 : std::sscanf(line, format, first, second);
  };
  long long quota = 0;
  long long period = 0;
  // version 2: "50000 100000", or "max 100000", which does not scan
  if (numbers("/cpu.max", "%lld %lld", &quota, &period) == 2)
    return processors_of_quota(quota, period);
  // version 1: two files; a quota of -1 means none
  if (numbers("/cpu.cfs_quota_us", "%lld", &quota, &period) == 1 &&
      numbers("/cpu.cfs_period_us", "%lld", &period, &quota) == 1)
    return processors_of_quota(quota, period);
  return unlimited;
}

/// The tightest processor limit over this process's control group and all its ancestors, rounded
/// up to whole processors; `unlimited` where there is none. `root` stands before every path, so
/// that a test can lay out a machine of its own.
[[gnu::cold]] inline std::size_t processor_quota(const char* root = "") {
  std::size_t least = unlimited;
  const path_text mount(root, "/sys/fs/cgroup");
  text_file groups(path_text(root, "/proc/self/cgroup"));
  while (char* line = groups.next()) {
    // hierarchy:controllers:path; version 2 is "0::/path"
    char* controllers = std::strchr(line, ':');
    char* path = controllers == nullptr ? nullptr : std::strchr(controllers + 1, ':');
    if (path == nullptr)
      continue;
    *controllers++ = '\0';
    *path++ = '\0';
    const bool version2 = *controllers == '\0';
    const path_text listed(",", controllers, ",");
    if (*path != '/' || (!version2 && std::strstr(listed.text, ",cpu,") == nullptr))
      continue;
    const path_text together("/", controllers); // version 1 often mounts cpu and cpuacct as one
    const char* const places[] = {version2 ? "" : together.text, version2 ? "/unified" : "/cpu"};
    for (char* end = path + std::strlen(path);; end = std::strrchr(path, '/')) {
      // The group itself, then each ancestor up to the mount point.
      if (end == nullptr)
        break;
      *end = '\0';
      for (const char* place : places) {
        const std::size_t quota = group_quota(mount.text, place, path);
        least = quota < least ? quota : least;
      }
    }
  }
  return least;
}

} // namespace parallel::detail
