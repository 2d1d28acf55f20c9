// The pool itself: its size, its threads, where its default comes from, how it ends.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using parallel::thread_pool;
using parallel::detail::thread_count_from;

namespace {

/// The threads of this process; 0 where the system does not say.
std::size_t threads_of_this_process() {
  std::size_t count = 0;
  std::error_code none;
  for (auto i = std::filesystem::directory_iterator("/proc/self/task", none);
       i != std::filesystem::directory_iterator(); ++i)
    ++count;
  return count;
}

/// A file system root in a temporary directory, with the files that a test lays out.
class fake_root {
 public:
  fake_root() {
    std::string name = (std::filesystem::temp_directory_path() / "parallel-root-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  fake_root(const fake_root&) = delete;
  fake_root& operator=(const fake_root&) = delete;
  ~fake_root() { std::filesystem::remove_all(path_); }

  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + file).parent_path());
    std::ofstream(path_ + file) << text << '\n';
  }

  [[nodiscard]] std::size_t quota() const {
    return parallel::detail::processor_quota(path_.c_str());
  }

 private:
  std::string path_;
};

constexpr std::size_t unlimited = parallel::detail::unlimited;

} // namespace

TEST_CASE("a thread_pool refuses a size of 0 and names it") {
  CHECK_THROWS_AS(thread_pool(0), std::invalid_argument);
  CHECK_THROWS_WITH(thread_pool(0), "parallel::thread_pool: threads is 0, must be from 1 to 65536");
}

TEST_CASE("a thread_pool refuses an absurd size and names it") {
  const auto minus_one = static_cast<std::size_t>(-1);
  CHECK_THROWS_WITH(thread_pool(minus_one), "parallel::thread_pool: threads is " +
                                                std::to_string(minus_one) +
                                                ", must be from 1 to 65536");
}

TEST_CASE("a thread_pool has the size it was asked for, or the default") {
  CHECK(thread_pool(5).size() == 5);
  CHECK(thread_pool().size() == parallel::default_concurrency());
  CHECK(parallel::default_pool().size() == parallel::default_concurrency());
}

TEST_CASE("a thread_pool starts no thread before its first loop") {
  const std::size_t before = threads_of_this_process();
  thread_pool pool(64);
  CHECK(threads_of_this_process() <= before); // less if a thread joined before was still leaving
}

TEST_CASE("a thread_pool of n lets n threads into one call and no more") {
  const std::size_t threads = GENERATE(std::size_t{1}, 2U, 3U, 8U);
  thread_pool pool(threads);
  std::latch all(static_cast<std::ptrdiff_t>(threads));
  std::atomic<std::size_t> tickets{0};
  test::crowd inside;
  parallel::for_each(
      pool, test::numbers(1'000),
      [&](int) {
        const auto self = inside.enter();
        if (tickets++ < threads)
          all.arrive_and_wait(); // the first n wait for each other, so they are n threads
      },
      {.grain = 1});
  CHECK(inside.most() == static_cast<int>(threads));
}

TEST_CASE("a worker that sleeps is woken for the next call") {
  thread_pool pool(2);
  for (int round = 0; round < 50; ++round) {
    std::latch both(2);
    parallel::for_each(pool, test::numbers(2), [&](int) { both.arrive_and_wait(); }, {.grain = 1});
    // Now and then longer than a worker looks for work, so that it is met both awake and asleep.
    // Nothing depends on it.
    if (round % 10 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  SUCCEED();
}

TEST_CASE("pools may be made, used and destroyed in quick succession") {
  for (int round = 0; round < 300; ++round) {
    thread_pool pool(1 + static_cast<std::size_t>(round) % 4);
    const auto results =
        parallel::map(pool, test::numbers(50), [](int x) { return x; }, {.grain = 1});
    REQUIRE(results.back() == 49);
  }
}

TEST_CASE("a pool may be used from a worker of another pool") {
  thread_pool outer(3);
  thread_pool inner(3);
  std::atomic<int> sum{0};
  parallel::for_each(outer, test::numbers(50),
                     [&](int) {
                       parallel::for_each(inner, test::numbers(50), [&](int x) { sum += x; },
                                          {.grain = 1});
                     },
                     {.grain = 1});
  CHECK(sum == 50 * 49 * 25);
}

TEST_CASE("thread counts are read as whole numbers from 1 to 65536 and nothing else") {
  CHECK(thread_count_from("1") == 1);
  CHECK(thread_count_from("65536") == 65'536);
  for (const char* malformed : {"", "0", "-1", "+2", "2.5", " 2", "2 ", "65537", "two", "0x2",
                                "99999999999999999999999999"})
    CHECK(thread_count_from(malformed) == 0);
}

TEST_CASE("PARALLEL_NUM_THREADS overrides the default unless it is malformed") {
  const char* const before = std::getenv("PARALLEL_NUM_THREADS");
  const std::string kept = before == nullptr ? "" : before;
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
    setenv("PARALLEL_NUM_THREADS", kept.c_str(), 1);
}

TEST_CASE("without control groups there is no quota") {
  const fake_root root;
  CHECK(root.quota() == unlimited);
  root.write("/proc/self/cgroup", "0::/a");
  CHECK(root.quota() == unlimited);
}

TEST_CASE("a version 2 quota is rounded up to whole processors") {
  const fake_root root;
  root.write("/proc/self/cgroup", "0::/a");
  root.write("/sys/fs/cgroup/a/cpu.max", "150000 100000");
  CHECK(root.quota() == 2);
  root.write("/sys/fs/cgroup/a/cpu.max", "10000 100000");
  CHECK(root.quota() == 1);
  root.write("/sys/fs/cgroup/a/cpu.max", "400000 100000");
  CHECK(root.quota() == 4);
  for (const char* none : {"max 100000", "", "max", "nonsense", "0 0", "-1 100000"}) {
    root.write("/sys/fs/cgroup/a/cpu.max", none);
    CHECK(root.quota() == unlimited);
  }
}

TEST_CASE("the tightest quota of a group and its ancestors counts") {
  const fake_root root;
  root.write("/proc/self/cgroup", "0::/a/b/c");
  root.write("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000");
  root.write("/sys/fs/cgroup/a/cpu.max", "300000 100000");
  CHECK(root.quota() == 3);
  root.write("/sys/fs/cgroup/cpu.max", "200000 100000"); // a container sees its own group here
  CHECK(root.quota() == 2);
}

TEST_CASE("a control group file that makes no sense is passed over") {
  const fake_root root;
  root.write("/sys/fs/cgroup/cpu.max", "100000 100000");
  for (const char* nonsense : {"", ":", "::", "0:", "0::", "0::no-slash", "a:b", ":cpu:x"}) {
    root.write("/proc/self/cgroup", nonsense);
    CHECK(root.quota() == unlimited);
  }
  root.write("/proc/self/cgroup", "nonsense\n0::/");
  CHECK(root.quota() == 1);
}

TEST_CASE("a version 1 quota is read from the cpu controller") {
  const fake_root root;
  root.write("/proc/self/cgroup", "7:memory:/m\n4:cpu,cpuacct:/a/b\n1:name=systemd:/a/b");
  root.write("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1");
  root.write("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000");
  CHECK(root.quota() == unlimited);
  root.write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "250000");
  root.write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000");
  CHECK(root.quota() == 3);
}
