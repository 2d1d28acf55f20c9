// One value from many: the result is the same, to the last bit, on any number of threads.
#include <parallel/map_reduce.hpp>

#include <functional>
#include <iomanip>
#include <iostream>
#include <ranges>

int main() {
  constexpr int steps = 10'000'000;
  const double pi = parallel::map_reduce(
      std::views::iota(0, steps),
      [](int i) {
        const double x = (i + 0.5) / steps;
        return 4 / (1 + x * x) / steps;
      },
      0.0, std::plus<>());
  std::cout << std::setprecision(11) << pi << '\n';
}
