// Only so many threads are to be had: an io_pool goes on with those, loses nothing, and has all of
// them run at once. The program's own pthread_create stands before the system's.
#include <parallel/parallel.hpp>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <future>
#include <latch>
#include <system_error>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>

namespace {

std::atomic<int> left{0};

bool goes_on_with(int threads) {
  left = 1; // for the program itself
  parallel::io_pool io({.max_threads = 8});
  std::atomic<int> ended{0};
  std::latch begin(1);
  std::thread other([&] {
    begin.wait();
    for (int i = 0; i < 100; ++i)
      io.submit([&] { ++ended; }).get();
  });
  left = threads;
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
  // Two threads post, each of which may be the one that tries in vain to have a thread made; and
  // with nobody left to take over, a wait for another task still ends: with its result or an error.
  begin.count_down();
  for (int i = 0; i < 100; ++i) {
    std::promise<std::shared_future<void>> promised;
    auto waiting = io.submit([&] {
      try {
        io.get(promised.get_future().get());
      } catch (const std::system_error&) {
      }
      ++ended;
    });
    promised.set_value(io.submit([] {}).share());
    waiting.get();
  }
  other.join();
  return sum == 200 && ended == 200;
}

} // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*start)(void*), void* argument) {
  static const auto create =
      reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  if (left.fetch_sub(1) > 0)
    return create(thread, attributes, start, argument);
  sched_yield(); // others may do much while this one tries
  return EAGAIN;
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
