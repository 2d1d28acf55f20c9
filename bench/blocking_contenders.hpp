// The same blocking calls by every pool that this machine has: this library's io_pool and its
// peers.
//
// A contender is made for a number of threads and runs f(i) for all i below n, any number of times.
// None collects results, and each waits in its own library's way. CMakeLists.txt defines BENCH_TBB,
// BENCH_OPENMP and BENCH_ASIO for what it has found.
#pragma once

#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>

#include <cstddef>
#include <future>
#include <ranges>
#include <vector>

#ifdef BENCH_TBB
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#endif
#ifdef BENCH_ASIO
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <latch>
#endif

namespace bench {

struct io_pool_map {
  static constexpr const char* name = "map on io_pool";
  static constexpr std::size_t most_at_once = SIZE_MAX;
  explicit io_pool_map(std::size_t threads) : pool({.max_threads = threads}) {}

  template <class F>
  void run(std::size_t n, const F& f) {
    parallel::for_each(pool, std::views::iota(std::size_t{0}, n), f);
  }

  parallel::io_pool pool;
};

struct io_pool_submit {
  static constexpr const char* name = "io_pool::submit";
  static constexpr std::size_t most_at_once = SIZE_MAX;
  explicit io_pool_submit(std::size_t threads) : pool({.max_threads = threads}) {}

  template <class F>
  void run(std::size_t n, const F& f) {
    std::vector<std::future<void>> tasks(n);
    for (std::size_t i = 0; i < n; ++i)
      tasks[i] = pool.submit([&f, i] { f(i); });
    for (std::future<void>& task : tasks)
      task.get();
  }

  parallel::io_pool pool;
};

#ifdef BENCH_ASIO
struct asio_post {
  static constexpr const char* name = "asio::post";
  static constexpr std::size_t most_at_once = SIZE_MAX;
  explicit asio_post(std::size_t threads) : pool(threads) {}

  template <class F>
  void run(std::size_t n, const F& f) {
    std::latch all(static_cast<std::ptrdiff_t>(n));
    for (std::size_t i = 0; i < n; ++i)
      asio::post(pool, [&, i] {
        f(i);
        all.count_down();
      });
    all.wait();
  }

  asio::thread_pool pool;
};
#endif

/// A thread for each call: not for too many calls at once.
struct standard_async {
  static constexpr const char* name = "std::async";
  static constexpr std::size_t most_at_once = 1'000;
  explicit standard_async(std::size_t) {}

  template <class F>
  void run(std::size_t n, const F& f) {
    std::vector<std::future<void>> tasks(n);
    for (std::size_t i = 0; i < n; ++i)
      tasks[i] = std::async(std::launch::async, [&f, i] { f(i); });
    for (std::future<void>& task : tasks)
      task.get();
  }
};

#ifdef BENCH_OPENMP
struct openmp {
  static constexpr const char* name = "OMP dynamic";
  static constexpr std::size_t most_at_once = SIZE_MAX;
  explicit openmp(std::size_t most) : threads(static_cast<int>(most)) {}

  template <class F>
  void run(std::size_t n, const F& f) {
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (std::size_t i = 0; i < n; ++i)
      f(i);
  }

  int threads;
};
#endif

#ifdef BENCH_TBB
struct tbb_arena {
  static constexpr const char* name = "oneTBB arena";
  static constexpr std::size_t most_at_once = SIZE_MAX;
  explicit tbb_arena(std::size_t threads)
      : allowed(oneapi::tbb::global_control::max_allowed_parallelism, threads),
        arena(static_cast<int>(threads)) {}

  template <class F>
  void run(std::size_t n, const F& f) {
    arena.execute([&] {
      oneapi::tbb::parallel_for(
          oneapi::tbb::blocked_range<std::size_t>(0, n, 1),
          [&](const oneapi::tbb::blocked_range<std::size_t>& range) {
            for (std::size_t i = range.begin(); i != range.end(); ++i)
              f(i);
          },
          oneapi::tbb::simple_partitioner());
    });
  }

  oneapi::tbb::global_control allowed;
  oneapi::tbb::task_arena arena;
};
#endif

/// Visits every type of contender that there is.
template <class Visit>
void for_each_blocking_contender(const Visit& visit) {
  visit.template operator()<io_pool_map>();
  visit.template operator()<io_pool_submit>();
#ifdef BENCH_ASIO
  visit.template operator()<asio_post>();
#endif
  visit.template operator()<standard_async>();
#ifdef BENCH_OPENMP
  visit.template operator()<openmp>();
#endif
#ifdef BENCH_TBB
  visit.template operator()<tbb_arena>();
#endif
}

} // namespace bench
