// How many processors this process may use: affinity masks and control groups.
//
// Part of the platform room: Linux has its own answers; everything else, or a build with
// PARALLEL_PORTABLE defined, gets the standard library's. Entered from thread_pool.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <thread>

#if defined(__linux__) && !defined(PARALLEL_PORTABLE)
#define PARALLEL_DETAIL_LINUX 1
#include <sched.h>
#include <unistd.h>
#else
#define PARALLEL_DETAIL_LINUX 0
#endif

namespace parallel::detail {

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
