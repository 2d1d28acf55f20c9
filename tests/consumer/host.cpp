// A program that maps, as the shared library that it links does (library.cpp), and that knows the
// exception which comes out of there.
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
