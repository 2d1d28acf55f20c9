// A shared library that blocks in elements of a map on its host's pool; stand_in_code.cpp opens and
// closes it.
#include <parallel/blocking.hpp>
#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <atomic>
#include <latch>
#include <vector>

/// Two elements are blocked until the other two have run: by stand-ins.
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
