// The system has only a few threads to give: both pools go on with those and lose nothing. All
// threads that an io_pool could start run at once; it counts the threads that it has, not those
// that it asks for. The program's own pthread_create replaces the system's.
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

/// What happens to the next thread that is asked for: it is created; or its creator is held up,
/// until go_on is set, before the thread is created or afterwards.
enum class fate { plain, held_before, held_after };
std::atomic<fate> next{fate::plain};
std::atomic<bool> is_held{false};
std::atomic<bool> go_on{false};

void hold() {
  is_held = true;
  while (!go_on)
    sched_yield();
}

void until(const std::atomic<bool>& is_so) {
  while (!is_so)
    sched_yield();
}

/// A thread_pool that asks for 33 workers. A submit() without any worker throws; a map then runs on
/// its caller.
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
  std::vector<std::future<int>> results;
  int refused = 0;
  for (int i = 0; i < 100; ++i)
    try {
      results.push_back(pool.submit([&] { return sum_of_ones() == 200 ? 1 : 0; }));
    } catch (const std::system_error&) {
      ++refused;
    }
  for (std::future<int>& result : results)
    sum += result.get();
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
  std::vector<std::future<int>> results;
  for (int i = 0; i < 100; ++i)
    results.push_back(io.submit([&, i] {
      if (i < threads)
        all.arrive_and_wait(); // so all threads run at once
      return 1;
    }));
  int sum = 0;
  for (std::future<int>& result : results)
    sum += result.get();
  const std::vector<int> ones(100, 1);
  for (const int one : parallel::map(io, ones, [](int x) { return x; }))
    sum += one;
  // Two threads submit, and either may be the one that tries in vain to create a thread. With no
  // thread left that could run it, a wait for another task still ends: with its result or an error.
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
  const parallel::io_pool_stats counted = stats(io);
  return sum == 200 && ended == 200 && counted.most_threads <= counted.threads_made &&
         counted.threads <= counted.most_threads;
}

/// An io_pool has one thread, which is busy, when another thread submits a task, for which a second
/// one is created. Calls look(io) meanwhile; the task itself returns stats(io).
template <class Look>
parallel::io_pool_stats while_a_thread_is_created(fate of_second, const Look& look) {
  left = 2; // one for the program itself
  is_held = false;
  go_on = false;
  parallel::io_pool io({.max_threads = 2});
  std::latch begin(1);
  std::latch busy(1);
  std::latch end(1);
  parallel::io_pool_stats seen;
  std::thread other([&] {
    begin.wait();
    seen = io.submit([&] {
               const parallel::io_pool_stats now = stats(io);
               go_on = true;
               return now;
             }).get();
  });
  auto first = io.submit([&] {
    busy.count_down();
    end.wait();
  });
  busy.wait();
  left = of_second == fate::held_after ? 1 : 0;
  next = of_second;
  begin.count_down();
  look(io);
  end.count_down();
  other.join();
  first.get();
  return seen;
}

bool io_pool_does_not_count_a_thread_before_it_exists() {
  bool is_right = false;
  const parallel::io_pool_stats later = while_a_thread_is_created(fate::held_before, [&](auto& io) {
    until(is_held);
    const parallel::io_pool_stats now = stats(io);
    is_right = now.threads == 1 && now.most_threads == 1 && now.threads_made == 1 &&
               io.threads() == 1 && now.running == 1;
    go_on = true;
  });
  return is_right && later.threads == 1 && later.most_threads == 1 && later.threads_made == 1;
}

bool io_pool_counts_a_thread_as_soon_as_it_runs() {
  const parallel::io_pool_stats now =
      while_a_thread_is_created(fate::held_after, [&](auto&) { until(go_on); });
  return now.threads == 2 && now.most_threads == 2 && now.threads_made == 2 && now.running == 2;
}

} // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*start)(void*), void* argument) {
  static const auto create =
      reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  const fate now = next.exchange(fate::plain);
  if (now == fate::held_before)
    hold();
  if (left.fetch_sub(1) > 0) {
    const int error = create(thread, attributes, start, argument);
    if (now == fate::held_after)
      hold();
    return error;
  }
  sched_yield(); // others may do much while this one tries
  return EAGAIN;
}

int main() {
  if (!io_pool_does_not_count_a_thread_before_it_exists()) {
    std::puts("io_pool: counts a thread that does not exist yet");
    return 1;
  }
  if (!io_pool_counts_a_thread_as_soon_as_it_runs()) {
    std::puts("io_pool: does not count a thread that runs");
    return 1;
  }
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
