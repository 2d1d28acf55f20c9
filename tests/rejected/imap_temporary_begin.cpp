// expect: Give it a name first
#include <parallel/parallel.hpp>

#include <vector>

int misuse(std::vector<int>& xs) {
  return *parallel::imap(xs, [](int x) { return x; }).begin();
}
