// expect: share a word
#include <parallel/parallel.hpp>

#include <iterator>
#include <ranges>
#include <vector>

void misuse(std::vector<int>& xs) {
  std::vector<bool> out(xs.size());
  parallel::map_into(xs, out.begin(), [](int x) { return x > 0; });
}
