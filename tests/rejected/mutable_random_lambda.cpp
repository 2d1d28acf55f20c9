// expect: all threads share one callable
#include <parallel/parallel.hpp>

#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::map(xs, [sum = 0](int x, parallel::random_engine&) mutable { return sum += x; });
}
