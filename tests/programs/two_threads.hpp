// A map that needs a worker. Entered from fork.cpp and plugin.cpp.
#pragma once

#include <parallel/map.hpp>

#include <latch>
#include <vector>

/// Two elements that wait for each other: so there is a worker.
inline bool two_threads_map() {
  std::latch both(2);
  const std::vector<int> xs(2, 1);
  const std::vector<int> ys = parallel::map(xs,
                                            [&](int x) {
                                              both.arrive_and_wait();
                                              return x + 1;
                                            },
                                            {.grain = 1});
  return ys == std::vector<int>(2, 2);
}
