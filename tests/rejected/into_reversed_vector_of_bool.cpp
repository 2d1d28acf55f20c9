// expect: share a word
#include <parallel/parallel.hpp>

#include <vector>

void misuse(std::vector<int>& xs) {
  std::vector<bool> out(xs.size());
  parallel::map_into(xs, out.rbegin(), [](int x) { return x > 0; });
}
