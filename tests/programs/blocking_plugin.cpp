// A shared library that blocks in elements of a map on its host's pool; compensating_code.cpp opens
// and closes it.
#include <parallel/blocking.hpp>
#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <atomic>
#include <latch>
#include <vector>

/// Two elements are blocked until compensating workers have run the other two.
extern "C" bool plugin_blocks(parallel::thread_pool& pool) {
  std::latch others(2);
  std::atomic<int> begun{0};
  parallel::for_each(pool, std::vector<int>(4),
                     [&](int) {
                       if (begun++ < 2)
                         parallel::blocking([&] { others.wait(); });
                       else
                         others.count_down();
                     },
                     {.grain = 1});
  return others.try_wait();
}
