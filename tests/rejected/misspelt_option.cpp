// expect: deadlin
#include <parallel/parallel.hpp>

#include <chrono>
#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::map(xs, [](int x) { return x; }, {.deadlin = std::chrono::seconds(3)});
}
