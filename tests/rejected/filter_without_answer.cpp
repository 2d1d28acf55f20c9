// expect: the predicate must say true or false
#include <parallel/parallel.hpp>

#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::filter(xs, [](int) {});
}
