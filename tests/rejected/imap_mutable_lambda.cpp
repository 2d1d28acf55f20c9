// expect: all threads share one callable
#include <parallel/parallel.hpp>

#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::imap(xs, [sum = 0](int x) mutable { return sum += x; });
}
