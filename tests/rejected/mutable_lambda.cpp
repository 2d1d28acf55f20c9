// expect: a `mutable` lambda
#include <parallel/parallel.hpp>

#include <iterator>
#include <ranges>
#include <vector>

void misuse(std::vector<int>& xs) {
  int sum = 0;
  parallel::for_each(xs, [sum](int x) mutable { sum += x; });
}
