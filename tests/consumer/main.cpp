// The program that every way to use the library has to build: two units, and both use the library.
#include <parallel/parallel.hpp>

#include <iostream>
#include <numeric>
#include <vector>

int sum_of_squares(const std::vector<int>& xs);

int main() {
  std::vector<int> xs(100);
  std::iota(xs.begin(), xs.end(), 1);
  const auto doubled = parallel::map(xs, [](int x) { return 2 * x; });
  std::cout << doubled.back() << ' ' << sum_of_squares(xs) << '\n';
}
