// expect: take a part of the range
#include <parallel/parallel.hpp>

#include <iterator>
#include <ranges>
#include <vector>

void misuse(std::vector<int>& xs) {
  xs = parallel::map(std::views::iota(0), [](int x) { return x; });
}
