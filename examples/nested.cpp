// Loops inside loops: the rows of a picture, and in each row the pixels, run on all cores. Calls
// nest to any depth without deadlock and share the pool's threads. Prints the Mandelbrot set.
#include <parallel/map.hpp>

#include <complex>
#include <iostream>
#include <ranges>
#include <string>

char pixel(int row, int column) {
  const std::complex<double> c(column / 26.0 - 2.2, row / 12.0 - 1.0);
  std::complex<double> z;
  int steps = 0;
  while (std::norm(z) < 4 && steps < 1'000) {
    z = z * z + c;
    ++steps;
  }
  return " .:-=+*#%@"[steps == 1'000 ? 9 : steps % 9];
}

int main() {
  const auto rows = parallel::map(std::views::iota(0, 25), [](int row) {
    const auto pixels =
        parallel::map(std::views::iota(0, 79), [row](int column) { return pixel(row, column); });
    return std::string(pixels.begin(), pixels.end());
  });
  for (const std::string& row : rows)
    std::cout << row << '\n';
}
