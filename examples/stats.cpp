// How well a pool is used: what its threads have done so far, as a program would log it.
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/stats.hpp>
#include <parallel/thread_pool.hpp>

#include <chrono>
#include <cmath>
#include <iostream>
#include <numeric>
#include <vector>

void log(const parallel::thread_pool_stats& pool) {
  std::cout << pool.calls << " calls of " << pool.chunks << " chunks (" << pool.steals
            << " steals), " << pool.tasks << " tasks; " << pool.parks << " sleeps, " << pool.wakes
            << " wakes\n";
  for (const parallel::worker_stats& worker : pool.workers) {
    const std::chrono::duration<double> life = worker.busy + worker.idle;
    std::cout << "worker " << worker.number << ": " << worker.chunks << " chunks (" << worker.steals
              << " steals), " << worker.parks << " sleeps, " << worker.wakes << " wakes, busy for "
              << 100 * (worker.busy / life) << " % of " << life.count() << " s\n";
  }
}

void log(const parallel::io_pool_stats& pool) {
  std::cout << pool.calls << " calls, " << pool.tasks << " tasks, " << pool.running << " running, "
            << pool.queued << " queued; " << pool.threads << " threads (at most "
            << pool.most_threads << ", made " << pool.threads_made << "), " << pool.parks
            << " sleeps, " << pool.wakes << " wakes\n";
}

int main() {
  parallel::thread_pool pool{2};
  std::vector<double> xs(100'000);
  std::iota(xs.begin(), xs.end(), 0.0);
  for (int call = 0; call < 2; ++call)
    parallel::for_each(pool, xs, [](double& x) { x = std::sqrt(x); }, {.grain = 1'000});
  pool.submit([&] { return xs.back(); }).get();
  log(parallel::stats(pool));

  parallel::io_pool io{{.max_threads = 8}};
  io.submit([] { return 42; }).get();
  log(parallel::stats(io));
}
