// Is the pool well used? What its threads have done so far, printed.
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/stats.hpp>
#include <parallel/thread_pool.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <future>
#include <iostream>
#include <numeric>
#include <vector>

int main() {
  parallel::thread_pool pool{2};
  std::vector<double> xs(100'000);
  std::iota(xs.begin(), xs.end(), 0.0);
  for (int call = 0; call < 2; ++call)
    parallel::for_each(pool, xs, [](double& x) { x = std::sqrt(x); }, {.grain = 1'000});

  const parallel::pool_stats calls = parallel::stats(pool);
  std::uint64_t blocks = 0;
  std::chrono::duration<double, std::milli> busy{0};
  for (const parallel::worker_stats& worker : calls.workers) {
    blocks += worker.blocks;
    busy += worker.busy;
  }
  std::cout << calls.calls << " calls of " << calls.blocks << " blocks; the workers ran " << blocks
            << ", and were busy for " << busy.count() << " ms\n";

  std::vector<std::future<void>> done;
  for (int i = 0; i < 50; ++i)
    done.push_back(pool.submit([] {}));
  for (std::future<void>& each : done)
    each.get();
  std::cout << parallel::stats(pool).tasks << " tasks\n";

  parallel::io_pool io{{.max_threads = 8}};
  std::vector<int> files(20);
  parallel::for_each(io, files, [](int& file) { file = 1; }); // as if they were read
  std::cout << files.size() << " files, at most " << parallel::stats(io).most_threads
            << " threads\n";
}
