// A shared library that uses this library internally and does not export it. host.cpp links it.
#include "library.hpp"

#include <parallel/parallel.hpp>

#include <numeric>

struct stopped_already {
  [[nodiscard]] static bool stop_requested() { return true; }
};

int sum_of_squares(const std::vector<int>& xs) {
  const auto squares = parallel::map(xs, [](int x) { return x * x; });
  return std::accumulate(squares.begin(), squares.end(), 0);
}

void stop_at_once(const std::vector<int>& xs) {
  const stopped_already token;
  parallel::for_each(xs, [](int) {}, {.stop = token});
}
