// A shared library that maps on the default pool, which has four threads; dlclose.cpp opens and
// closes it.
#include "threads_map.hpp"

extern "C" bool plugin_maps() {
  return threads_map(4);
}

/// A map within each of two elements: each opens a job of its own, which workers join.
extern "C" bool plugin_nests() {
  std::latch both(2);
  const std::vector<int> xs(2, 1);
  const std::vector<bool> right = parallel::map(xs,
                                                [&](int) {
                                                  both.arrive_and_wait();
                                                  return threads_map(2);
                                                },
                                                {.grain = 1});
  return right == std::vector<bool>(2, true);
}
