// A child process can map although its parent's pool has threads, which do not exist in the child:
// it gets a default pool of its own. The parent's goes on.
#include "threads_map.hpp"

#include <parallel/map.hpp>

#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <vector>

#if defined(__linux__) && !defined(PARALLEL_PORTABLE)
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// Whether a child process can map. It has a time limit, as the failure to be found is a hang.
bool child_can_map() {
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    _exit(threads_map(2) && threads_map(2) ? 0 : 1);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

} // namespace

int main() {
  setenv("PARALLEL_NUM_THREADS", "3", 1);
  for (int round = 0; round < 2'000; ++round) {
    if (!child_can_map() || !threads_map(2)) {
      std::puts("failed");
      return 1;
    }
  }
  // From the middle of a map, while workers run.
  std::vector<int> xs(50);
  std::iota(xs.begin(), xs.end(), 0);
  bool all = true;
  for (const bool could : parallel::map(xs, [](int) { return child_can_map(); }, {.grain = 1}))
    all = all && could;
  std::puts(all ? "passed" : "failed");
  return all ? 0 : 1;
}
#else
int main() {
  std::puts("there is no fork() to survive here");
}
#endif
