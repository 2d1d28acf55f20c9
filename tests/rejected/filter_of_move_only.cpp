// expect: Give the range away, with std::move
#include <parallel/parallel.hpp>

#include <memory>
#include <vector>

void misuse(std::vector<std::unique_ptr<int>>& xs) {
  parallel::filter(xs, [](const std::unique_ptr<int>& x) { return *x > 0; });
}
