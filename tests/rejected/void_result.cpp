// expect: Use parallel::for_each
#include <parallel/parallel.hpp>

#include <iterator>
#include <ranges>
#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::map(xs, [](int) {});
}
