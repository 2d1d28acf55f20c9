// A program that uses this library, as does the shared library that it links (library.cpp). It
// catches an exception that is thrown there.
#include "library.hpp"

#include <parallel/parallel.hpp>

#include <iostream>
#include <numeric>

int main() {
  std::vector<int> xs(100);
  std::iota(xs.begin(), xs.end(), 1);
  const auto doubled = parallel::map(xs, [](int x) { return 2 * x; });
  try {
    stop_at_once(xs);
  } catch (const parallel::stopped&) {
    std::cout << doubled.back() << ' ' << sum_of_squares(xs) << '\n';
  }
}
