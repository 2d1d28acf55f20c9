// expect: Write 0.0, not 0
#include <parallel/parallel.hpp>

#include <functional>
#include <vector>

void misuse(std::vector<double>& xs) {
  parallel::map_reduce(
      xs, [](double x) { return 2 * x; }, 0, std::plus<>());
}
