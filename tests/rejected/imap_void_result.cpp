// expect: Use parallel::for_each
#include <parallel/parallel.hpp>

#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::imap(xs, [](int) {});
}
