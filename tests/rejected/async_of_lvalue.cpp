// expect: Move the range in with std::move
#include <parallel/parallel.hpp>

#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::map_async(xs, [](int x) { return x; });
}
