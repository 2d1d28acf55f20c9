// A map that needs workers.
#pragma once

#include <parallel/map.hpp>

#include <cstddef>
#include <latch>
#include <vector>

/// A map of as many elements as threads, which wait for each other: so it needs workers.
inline bool threads_map(std::size_t threads) {
  std::latch all(static_cast<std::ptrdiff_t>(threads));
  const std::vector<int> xs(threads, 1);
  const std::vector<int> ys = parallel::map(xs,
                                            [&](int x) {
                                              all.arrive_and_wait();
                                              return x + 1;
                                            },
                                            {.grain = 1});
  return ys == std::vector<int>(threads, 2);
}
