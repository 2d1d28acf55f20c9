// Only so many threads are to be had: both pools go on with those and lose nothing; all that an
// io_pool could start run at once. The program's own pthread_create stands before the system's.
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

/// A thread_pool that asks for 33 workers. A submit() for which there is not even one throws, and a
/// map has its caller.
bool thread_pool_goes_on_with(int threads) {
  left = threads;
  parallel::thread_pool pool(34);
  const std::vector<int> ones(200, 1);
  const auto sum_of_ones = [&] {
    int sum = 0;
    for (const int one : parallel::map(pool, ones, [](int x) { return x; }, {.grain = 1}))
      sum += one;
    return sum;
  };
  int sum = sum_of_ones();
  std::vector<std::future<int>> answers;
  int refused = 0;
  for (int i = 0; i < 100; ++i)
    try {
      answers.push_back(pool.submit([&] { return sum_of_ones() == 200 ? 1 : 0; }));
    } catch (const std::system_error&) {
      ++refused;
    }
  for (std::future<int>& answer : answers)
    sum += answer.get();
  sum += sum_of_ones();
  return sum + refused == 500 && (refused == 0 || threads == 0);
}

bool io_pool_goes_on_with(int threads) {
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
      if (!io_pool_goes_on_with(threads)) {
        std::printf("io_pool: failed with %d threads\n", threads);
        return 1;
      }
  for (int threads = 0; threads <= 33; ++threads)
    if (!thread_pool_goes_on_with(threads)) {
      std::printf("thread_pool: failed with %d threads\n", threads);
      return 1;
    }
  std::puts("passed");
}
