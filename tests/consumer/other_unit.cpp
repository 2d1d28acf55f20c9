// The second unit of the program in main.cpp.
#include <parallel/parallel.hpp>

#include <numeric>
#include <vector>

int sum_of_squares(const std::vector<int>& xs) {
  const auto squares = parallel::map(xs, [](int x) { return x * x; });
  return std::accumulate(squares.begin(), squares.end(), 0);
}
