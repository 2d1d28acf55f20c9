// A program that may be traced, and does the one thing that its argument names. The script `check`
// beside this file runs it, with and without PARALLEL_TRACE, and reads the file that it leaves.
#include <parallel/parallel.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#if defined(__linux__) && !defined(PARALLEL_PORTABLE)
#define HAS_FORK 1
#include <sys/wait.h>
#include <unistd.h>
#else
#define HAS_FORK 0
#endif

namespace {

constexpr std::size_t many = 3'000; // chunks of one element: more than a thread's buffer holds

std::vector<std::size_t> first(std::size_t n) {
  std::vector<std::size_t> xs(n);
  std::iota(xs.begin(), xs.end(), std::size_t{0});
  return xs;
}

/// Element 0 waits for all others, so the thread that does not run it has to steal.
void map_with_thief(parallel::thread_pool& pool) {
  std::latch others(99);
  parallel::for_each(pool, first(100),
                     [&](std::size_t i) {
                       if (i == 0)
                         others.wait();
                       else
                         others.count_down();
                     },
                     {.grain = 1});
}

/// Maps until a worker that slept has been woken.
void sleep_and_wake(parallel::thread_pool& pool) {
  while (parallel::stats(pool).wakes == 0) {
    while (parallel::stats(pool).parks == 0)
      std::this_thread::yield();
    map_with_thief(pool);
  }
}

void every_kind() {
  {
    parallel::thread_pool pool({.threads = 2, .name = "crunch"});
    map_with_thief(pool);
    parallel::for_each(pool, first(many), [](std::size_t) {}, {.grain = 1});
    sleep_and_wake(pool);
    pool.submit([&] { parallel::blocking([] {}); }).get();
    std::thread([&] { map_with_thief(pool); }).join();
  }
  parallel::io_pool io({.max_threads = 2, .name = "fetch"});
  parallel::for_each(io, first(50), [](std::size_t) {});
  io.submit([] {}).get();
  for (const std::size_t each : parallel::imap(io, first(50), [](std::size_t i) { return i; }))
    static_cast<void>(each);
}

/// Several callers at once, on both pools, with exceptions and with threads that start and end.
void busy() {
  parallel::thread_pool pool(4);
  parallel::io_pool io({.max_threads = 3});
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        parallel::for_each(pool, first(40),
                           [&](std::size_t) {
                             parallel::for_each(pool, first(20), [](std::size_t) {}, {.grain = 1});
                           },
                           {.grain = 1});
        parallel::for_each(io, first(10), [](std::size_t) {});
        try {
          parallel::for_each(pool, first(100),
                             [](std::size_t i) {
                               if (i == 50)
                                 throw std::runtime_error("fifty");
                             },
                             {.grain = 1});
        } catch (const std::runtime_error&) {
        }
      }
    });
  for (std::thread& each : callers)
    each.join();
}

/// Calls `end` in the middle of a map, when its threads have written many events.
template <class End>
void in_the_middle(End end) {
  static parallel::thread_pool& pool =
      *new parallel::thread_pool(2); // never destroyed, as end() may exit
  parallel::for_each(pool, first(many),
                     [&](std::size_t i) {
                       if (i == many * 3 / 4)
                         end();
                     },
                     {.grain = 1});
}

/// Calls `end` when both threads are inside elements, so that neither writes events.
template <class End>
void while_nobody_writes(End end) {
  static parallel::thread_pool& pool = *new parallel::thread_pool(2);
  parallel::for_each(pool, first(many), [](std::size_t) {}, {.grain = 1});
  std::latch both(2);
  parallel::for_each(pool, first(2),
                     [&](std::size_t i) {
                       both.arrive_and_wait();
                       if (i == 0)
                         end();
                       std::latch(1).wait();
                     },
                     {.grain = 1});
}

/// Another thread maps after the program has begun to exit.
void exits_slowly() {
  std::atexit([] {
    std::thread([] { parallel::for_each(first(many), [](std::size_t) {}, {.grain = 1}); }).join();
  });
  // Opens the trace, which registers its end later and so ends first.
  parallel::for_each(first(many), [](std::size_t) {}, {.grain = 1});
  std::exit(0);
}

int in_a_child() {
#if HAS_FORK
  map_with_thief(parallel::default_pool());
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    every_kind();
    std::exit(0);
  }
  every_kind();
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
#else
  every_kind();
  return 0;
#endif
}

/// The exit code if the system lacks what is needed; `check` skips the promise then.
constexpr int is_not_available = 77;

/// Maps, prints that it has, and maps again once its input ends.
int waits() {
#if HAS_FORK // and locks on files
  parallel::thread_pool pool(2);
  parallel::for_each(pool, first(many), [](std::size_t) {}, {.grain = 1});
  std::puts("ready");
  std::fflush(stdout);
  static_cast<void>(std::getchar());
  parallel::for_each(pool, first(many), [](std::size_t) {}, {.grain = 1});
  return 0;
#else
  return is_not_available;
#endif
}

/// Only the child makes calls.
int forks_first() {
#if HAS_FORK
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    every_kind();
    std::exit(0);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
#else
  return is_not_available;
#endif
}

/// Leaves a child behind, which ends when its input does.
int leaves_child() {
#if HAS_FORK
  parallel::for_each(first(many), [](std::size_t) {}, {.grain = 1});
  int from_child[2];
  if (pipe(from_child) != 0)
    return 1;
  const pid_t child = fork();
  char letter = 'c';
  if (child == 0) {
    const bool has_written = write(from_child[1], &letter, 1) == 1;
    static_cast<void>(std::getchar());
    _exit(has_written ? 0 : 1);
  }
  // The parent ends only after fork() has returned in the child.
  return child > 0 && read(from_child[0], &letter, 1) == 1 ? 0 : 1;
#else
  return is_not_available;
#endif
}

/// Whether the program has more rights than the user that started it.
int is_privileged() {
#if HAS_FORK
  return geteuid() != getuid() ? 0 : is_not_available;
#else
  return is_not_available;
#endif
}

} // namespace

int main(int count, char** arguments) {
  const std::string_view what = count > 1 ? arguments[1] : "";
  if (what == "every_kind")
    every_kind();
  else if (what == "busy")
    busy();
  else if (what == "strange_names")
    map_with_thief(
        *new parallel::thread_pool({.threads = 2, .name = "\"q\\\n\xc3\xa4"})); // never destroyed
  else if (what == "throws")
    in_the_middle([] { throw std::runtime_error("nobody catches this"); });
  else if (what == "exits")
    in_the_middle([] { std::exit(0); });
  else if (what == "exits_slowly")
    exits_slowly();
  else if (what == "quick_exits")
    while_nobody_writes([] { std::_Exit(0); });
  else if (what == "aborts")
    while_nobody_writes([] { std::abort(); });
  else if (what == "forks")
    return in_a_child();
  else if (what == "waits")
    return waits();
  else if (what == "forks_first")
    return forks_first();
  else if (what == "leaves_child")
    return leaves_child();
  else if (what == "is_privileged")
    return is_privileged();
  else if (what == "maps_nothing")
    parallel::for_each(std::vector<int>(), [](int) {});
  else
    return 2;
  std::puts("done");
}
