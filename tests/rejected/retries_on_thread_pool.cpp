// expect: retries
#include <parallel/parallel.hpp>

#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::for_each(xs, [](int) {}, {.retries = 3});
}
