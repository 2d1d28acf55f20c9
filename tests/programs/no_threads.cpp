// The system has no thread to give: maps are plain loops, on either pool; a submit() throws and
// queues nothing. The program's own pthread_create replaces the system's.
#include <parallel/parallel.hpp>

#include <cerrno>
#include <cstdio>
#include <numeric>
#include <system_error>
#include <vector>

#include <pthread.h>

extern "C" int pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) {
  return EAGAIN;
}

int main() {
  std::vector<int> xs(1'000);
  std::iota(xs.begin(), xs.end(), 0);
  const auto twice = [](int x) { return 2 * x; };
  parallel::thread_pool pool(4);
  parallel::io_pool io;
  for (int round = 0; round < 3; ++round) {
    if (parallel::map(pool, xs, twice, {.grain = 1}).back() != 1998)
      return 1;
    if (parallel::map(io, xs, twice).back() != 1998)
      return 2;
    bool ran = false;
    try {
      io.submit([&ran] { ran = true; });
      return 3;
    } catch (const std::system_error&) {
    }
    if (ran)
      return 4;
  }
  std::puts("passed");
}
