// expect: use parallel::map, which makes a vector
#include <parallel/parallel.hpp>

#include <iterator>
#include <ranges>
#include <vector>

void misuse(std::vector<int>& xs) {
  std::vector<int> out;
  parallel::map_into(xs, std::back_inserter(out), [](int x) { return x; });
}
