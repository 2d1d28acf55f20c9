// The system gives the process no more threads, or no more memory: calls throw or do without, their
// results are right, and the pool works for the next call. Each limit is tested in a process of its
// own.
#include <parallel/parallel.hpp>

#include <cstddef>
#include <cstdio>
#include <fstream>
#include <future>
#include <new>
#include <numeric>
#include <string>
#include <system_error>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

std::vector<int> numbers(std::size_t n) {
  std::vector<int> xs(n);
  std::iota(xs.begin(), xs.end(), 0);
  return xs;
}

/// Maps and tasks on both pools; false if a result is wrong. `refused` counts the calls that threw
/// what they may throw.
bool work(std::size_t n, int& refused) {
  const auto may_refuse = [&](const auto& call) {
    try {
      return call();
    } catch (const std::bad_alloc&) {
      ++refused;
    } catch (const std::system_error&) {
      ++refused;
    }
    return true;
  };
  parallel::thread_pool pool(16);
  parallel::io_pool io({.max_threads = 16});
  const auto maps = [&](auto& on) {
    return may_refuse([&] {
      const std::vector<int> xs = numbers(n);
      const std::vector<int> ys = parallel::map(on, xs, [](int x) { return x + 1; });
      return ys.size() == n && ys.front() == 1 && ys.back() == static_cast<int>(n);
    });
  };
  const auto submits = [&](auto& on) {
    return may_refuse([&] { return on.submit([] { return 1; }).get() == 1; });
  };
  bool right = true;
  for (int round = 0; round < 20; ++round)
    right = maps(pool) && maps(io) && submits(pool) && submits(io) && right;
  return right;
}

/// The memory that this process has mapped, in bytes.
rlim_t mapped() {
  std::ifstream file("/proc/self/statm");
  rlim_t pages = 0;
  file >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

void limit(int resource, rlim_t most) {
  const rlimit wanted{most, most};
  if (setrlimit(static_cast<__rlimit_resource_t>(resource), &wanted) != 0)
    _exit(3);
}

/// Whether test(refused) is true in a child process. Prints how many calls were refused.
template <class Test>
bool passes(const std::string& name, const Test& test) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    int refused = 0;
    const bool right = test(refused);
    std::printf("%s: %s, %d of 80 calls refused\n", name.c_str(), right ? "right" : "WRONG",
                refused);
    std::fflush(stdout);
    _exit(right ? 0 : 1);
  }
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    std::printf("%s: failed with status %d\n", name.c_str(), status);
    return false;
  }
  return true;
}

} // namespace

int main() {
  bool right = true;
  // Threads and processes of one user, to which no limit applies as root.
  for (const rlim_t most : {1U, 2U, 3U, 5U, 9U, 17U, 40U})
    right &= passes(std::to_string(most) + " threads", [&](int& refused) {
      if (getuid() == 0 && setuid(65'534) != 0)
        return false;
      limit(RLIMIT_NPROC, most);
      return work(1'000, refused);
    });
  // Each thread's stack is 8 MiB of address space.
  for (const rlim_t mebibytes : {0U, 1U, 2U, 5U, 9U, 20U, 40U, 80U, 500U})
    right &= passes(std::to_string(mebibytes) + " MiB more", [&](int& refused) {
      limit(RLIMIT_AS, mapped() + (mebibytes << 20U));
      return work(200'000, refused);
    });
  return right ? 0 : 1;
}
