// expect: one argument per range
#include <parallel/parallel.hpp>

#include <iterator>
#include <ranges>
#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::map(xs, xs, [](int x) { return x; });
}
