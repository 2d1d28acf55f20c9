// Tests that the package's headers are found, compile, and run a map.
#include <parallel/map.hpp>

#include <vector>

int main() {
  const std::vector<int> xs{1, 2, 3};
  return parallel::map(xs, [](int x) { return 2 * x; }).back() == 6 ? 0 : 1;
}
