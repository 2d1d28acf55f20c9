// Only so many threads are to be had: an io_pool goes on with those, loses nothing, and has all of
// them run at once. The program's own pthread_create stands before the system's.
#include <parallel/parallel.hpp>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <future>
#include <latch>
#include <vector>

#include <dlfcn.h>
#include <pthread.h>

namespace {

std::atomic<int> left{0};

bool goes_on_with(int threads) {
  left = threads;
  parallel::io_pool io({.max_threads = 8});
  std::latch all(threads);
  std::vector<std::future<int>> answers;
  for (int i = 0; i < 100; ++i)
    answers.push_back(io.submit([&, i] {
      if (i < threads)
        all.arrive_and_wait(); // so all that there are run at once
      return 1;
    }));
  int sum = 0;
  for (std::future<int>& answer : answers)
    sum += answer.get();
  const std::vector<int> ones(100, 1);
  for (const int one : parallel::map(io, ones, [](int x) { return x; }))
    sum += one;
  // With nobody left to take over, a wait within a task still ends: with the result or an error.
  std::vector<std::future<bool>> waits;
  for (int i = 0; i < 20; ++i)
    waits.push_back(io.submit([&] { return io.get(io.submit([] { return true; })); }));
  for (std::future<bool>& wait : waits)
    sum += wait.get() ? 1 : 0;
  return sum == 220;
}

} // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*start)(void*), void* argument) {
  static const auto create =
      reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return left.fetch_sub(1) > 0 ? create(thread, attributes, start, argument) : EAGAIN;
}

int main() {
  for (int round = 0; round < 20; ++round)
    for (int threads = 1; threads <= 5; ++threads)
      if (!goes_on_with(threads)) {
        std::printf("failed with %d threads\n", threads);
        return 1;
      }
  std::puts("passed");
}
