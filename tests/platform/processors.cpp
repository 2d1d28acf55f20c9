// The default number of threads: the environment variable, the affinity mask, and the quotas of
// control groups, whose layouts differ between systems and containers.
#include "catch.hpp"
#include "fake_root.hpp"

#include <parallel/pool_options.hpp>

#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#if PARALLEL_DETAIL_LINUX
#include <sys/types.h>
#include <sys/wait.h>
#endif

using parallel::detail::thread_count_from;

namespace {

constexpr std::size_t unlimited = parallel::detail::unlimited;

struct layout {
  const char* what;
  std::size_t processors;
  std::string groups;                                       // /proc/self/cgroup
  std::vector<std::pair<std::string, std::string>> files{}; // below /sys/fs/cgroup
};

/// The two files of a group in version 1.
std::vector<std::pair<std::string, std::string>> version1(const std::string& group,
                                                          const char* quota, const char* period) {
  return {{group + "/cpu.cfs_quota_us", quota}, {group + "/cpu.cfs_period_us", period}};
}

std::vector<std::pair<std::string, std::string>>
both(std::vector<std::pair<std::string, std::string>> one,
     const std::vector<std::pair<std::string, std::string>>& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}

std::vector<layout> layouts() {
  const std::string deep = "/a/b/c/d/e/f/g/h";
  const std::string v1 = "7:memory:/m\n4:cpu,cpuacct:/a/b\n1:name=systemd:/a/b\n";
  const std::string hybrid = "4:cpu,cpuacct:/a\n0::/a\n";
  return {
      // version 2
      {"no control groups", unlimited, ""},
      {"a group without files", unlimited, "0::/a\n"},
      {"one and a half", 2, "0::/a\n", {{"/a/cpu.max", "150000 100000\n"}}},
      {"a tenth", 1, "0::/a\n", {{"/a/cpu.max", "10000 100000\n"}}},
      {"a millionth", 1, "0::/a\n", {{"/a/cpu.max", "1 1000000\n"}}},
      {"exactly four", 4, "0::/a\n", {{"/a/cpu.max", "400000 100000\n"}}},
      {"a little over four", 5, "0::/a\n", {{"/a/cpu.max", "400001 100000\n"}}},
      {"another period", 3, "0::/a\n", {{"/a/cpu.max", "60000 20000\n"}}},
      {"more than there are", 1'000, "0::/a\n", {{"/a/cpu.max", "100000000 100000\n"}}},
      {"max", unlimited, "0::/a\n", {{"/a/cpu.max", "max 100000\n"}}},
      {"max alone", unlimited, "0::/a\n", {{"/a/cpu.max", "max\n"}}},
      {"no newline at the end", 2, "0::/a", {{"/a/cpu.max", "200000 100000"}}},
      {"spaces in between", 2, "0::/a\n", {{"/a/cpu.max", "  200000   100000  \n"}}},
      {"the root group", 1, "0::/\n", {{"/cpu.max", "100000 100000\n"}}},
      {"a parent's", 3, "0::/a/b/c\n", {{"/a/cpu.max", "300000 100000\n"}}},
      {"the parent's is tighter",
       3,
       "0::/a/b/c\n",
       {{"/a/b/c/cpu.max", "800000 100000\n"}, {"/a/cpu.max", "300000 100000\n"}}},
      {"the group's own is tighter",
       3,
       "0::/a/b/c\n",
       {{"/a/b/c/cpu.max", "300000 100000\n"}, {"/a/cpu.max", "800000 100000\n"}}},
      {"max within a limit",
       3,
       "0::/a/b\n",
       {{"/a/b/cpu.max", "max 100000\n"}, {"/a/cpu.max", "300000 100000\n"}}},
      {"a limit within max",
       3,
       "0::/a/b\n",
       {{"/a/b/cpu.max", "300000 100000\n"}, {"/a/cpu.max", "max 100000\n"}}},
      {"a container, which sees its own group at the top",
       2,
       "0::/a/b\n",
       {{"/cpu.max", "200000 100000\n"}}},
      {"deep", 2, "0::" + deep + "\n", {{"/a/b/cpu.max", "200000 100000\n"}}},
      {"a sibling's limit", unlimited, "0::/a/b\n", {{"/a/c/cpu.max", "100000 100000\n"}}},
      {"a name with colons and spaces",
       2,
       "0::/a:b c/d\n",
       {{"/a:b c/d/cpu.max", "200000 100000\n"}}},
      {"a slash at the end", 2, "0::/a/\n", {{"/a/cpu.max", "200000 100000\n"}}},
      {"a path that is too long",
       unlimited,
       "0::/" + std::string(5'000, 'x') + "\n",
       {{"/cpu.max", "max 100000\n"}}},
      // version 2, malformed
      {"an empty file", unlimited, "0::/a\n", {{"/a/cpu.max", ""}}},
      {"a word", unlimited, "0::/a\n", {{"/a/cpu.max", "nonsense\n"}}},
      {"zeros", unlimited, "0::/a\n", {{"/a/cpu.max", "0 0\n"}}},
      {"no period", unlimited, "0::/a\n", {{"/a/cpu.max", "200000\n"}}},
      {"a negative quota", unlimited, "0::/a\n", {{"/a/cpu.max", "-1 100000\n"}}},
      {"a negative period", unlimited, "0::/a\n", {{"/a/cpu.max", "100000 -1\n"}}},
      {"a directory instead of the file",
       unlimited,
       "0::/a\n",
       {{"/a/cpu.max/x", "200000 100000\n"}}},
      {"a malformed one within a limit",
       3,
       "0::/a/b\n",
       {{"/a/b/cpu.max", "nonsense\n"}, {"/a/cpu.max", "300000 100000\n"}}},
      // version 1
      {"version 1, two and a half", 3, v1, version1("/cpu,cpuacct/a/b", "250000\n", "100000\n")},
      {"version 1, none", unlimited, v1, version1("/cpu,cpuacct/a/b", "-1\n", "100000\n")},
      {"version 1, a parent's", 3, v1,
       both(version1("/cpu,cpuacct/a/b", "-1\n", "100000\n"),
            version1("/cpu,cpuacct/a", "250000\n", "100000\n"))},
      {"version 1, mounted as cpu", 2, v1, version1("/cpu/a/b", "200000\n", "100000\n")},
      {"version 1, cpu alone", 2, "3:cpu:/a\n", version1("/cpu/a", "200000\n", "100000\n")},
      {"version 1, cpuset is another controller", unlimited, "3:cpuset:/a\n",
       both(version1("/cpu/a", "200000\n", "100000\n"),
            version1("/cpuset/a", "200000\n", "100000\n"))},
      {"version 1, a quota without a period",
       unlimited,
       v1,
       {{"/cpu,cpuacct/a/b/cpu.cfs_quota_us", "200000\n"}}},
      {"version 1, a malformed period", unlimited, v1,
       version1("/cpu,cpuacct/a/b", "200000\n", "x\n")},
      {"version 1, a container", 2, v1, version1("/cpu,cpuacct", "200000\n", "100000\n")},
      // both
      {"both versions, the limit in version 1", 2, hybrid,
       version1("/cpu,cpuacct/a", "200000\n", "100000\n")},
      {"both versions, the limit in version 2",
       2,
       hybrid,
       {{"/unified/a/cpu.max", "200000 100000\n"}}},
      {"both versions, the tighter one counts", 2, hybrid,
       both({{"/unified/a/cpu.max", "300000 100000\n"}},
            version1("/cpu,cpuacct/a", "200000\n", "100000\n"))},
  };
}

} // namespace

TEST_CASE("thread counts are read as whole numbers from 1 to 65536 and nothing else") {
  CHECK(thread_count_from("1") == 1);
  CHECK(thread_count_from("65536") == 65'536);
  for (const char* malformed : {"", "0", "-1", "+2", "2.5", " 2", "2 ", "65537", "two", "0x2",
                                "99999999999999999999999999"})
    CHECK(thread_count_from(malformed) == 0);
}

TEST_CASE("PARALLEL_NUM_THREADS overrides the default unless it is malformed") {
  const char* const before = std::getenv("PARALLEL_NUM_THREADS");
  const std::string saved = before == nullptr ? "" : before;
  unsetenv("PARALLEL_NUM_THREADS");
  const std::size_t machine = parallel::default_concurrency();
  CHECK(machine >= 1);
  setenv("PARALLEL_NUM_THREADS", "7", 1);
  CHECK(parallel::default_concurrency() == 7);
  setenv("PARALLEL_NUM_THREADS", "seven", 1);
  CHECK(parallel::default_concurrency() == machine);
  if (before == nullptr)
    unsetenv("PARALLEL_NUM_THREADS");
  else
    setenv("PARALLEL_NUM_THREADS", saved.c_str(), 1);
}

TEST_CASE("the tightest quota of a group and its ancestors counts, rounded up, in every layout") {
  CHECK(layouts().size() >= 40);
  for (const layout& each : layouts()) {
    const test::fake_root root;
    if (!each.groups.empty())
      root.write("/proc/self/cgroup", each.groups);
    for (const auto& [file, text] : each.files)
      root.write("/sys/fs/cgroup" + file, text);
    INFO(each.what);
    CHECK(root.quota() == each.processors);
  }
}

TEST_CASE("lines of /proc/self/cgroup that make no sense are ignored") {
  const test::fake_root root;
  root.write("/sys/fs/cgroup/cpu.max", "100000 100000\n");
  for (const char* nonsense : {"\n", ":", "::", "0:", "0::", "0::no-slash", "a:b", ":cpu:x"}) {
    root.write("/proc/self/cgroup", nonsense);
    CHECK(root.quota() == unlimited);
  }
  root.write("/proc/self/cgroup", "nonsense\n0::/\n");
  CHECK(root.quota() == 1);
}

#if PARALLEL_DETAIL_LINUX

TEST_CASE("processors outside the affinity mask do not count") {
  // The mask of a process's first thread counts, so the test needs a process of its own.
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    const bool set = sched_setaffinity(0, sizeof one, &one) == 0;
    _exit(set && parallel::detail::usable_processors() == 1 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

#endif
