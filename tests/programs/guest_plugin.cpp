// A shared library that uses its host's pools; host_pools.cpp opens and closes it.
#include <parallel/imap.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <numeric>
#include <thread>
#include <vector>

#define SHOWN extern "C" __attribute__((visibility("default")))

namespace {

const std::vector<int> xs(8, 1);

} // namespace

SHOWN bool submits(parallel::thread_pool& pool, parallel::io_pool& io) {
  const auto nested = [&] { return pool.get(pool.submit([] { return 1; })); };
  return pool.submit(nested).get() + io.submit([] { return 2; }).get() == 3;
}

SHOWN bool maps_on_io_pool(parallel::thread_pool&, parallel::io_pool& io) {
  const auto twice = parallel::map(io, xs, [](int x) {
    std::this_thread::yield();
    return 2 * x;
  });
  return twice == std::vector<int>(8, 2);
}

SHOWN bool imaps(parallel::thread_pool& pool, parallel::io_pool& io) {
  int sum = 0;
  for (const int x : parallel::imap(pool, xs, [](int one) { return one; }))
    sum += x;
  for (const int x : parallel::imap_unordered(io, xs, [](int one) { return one; }))
    sum += x;
  return sum == 16;
}
