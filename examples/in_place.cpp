// Results that go into existing storage, calls that return nothing, and a call without threads for
// debugging.
#include <parallel/map.hpp>
#include <parallel/serial.hpp>

#include <cmath>
#include <iostream>
#include <numeric>
#include <vector>

int main() {
  std::vector<double> samples(100'000);
  std::iota(samples.begin(), samples.end(), 0.0);

  std::vector<double> roots(samples.size()); // used again and again, in a real program
  parallel::map_into(samples, roots.begin(), [](double x) { return std::sqrt(x); });

  parallel::for_each(roots, [](double& x) { x *= x; }); // each element belongs to one call

  // The plain loop on this thread, as a debugger likes it.
  parallel::map_into(parallel::serial, samples, roots, roots.begin(),
                     [](double x, double square) { return std::abs(x - square); });
  double worst = 0;
  for (const double error : roots)
    worst = error > worst ? error : worst;
  std::cout << (worst < 1e-9 ? "roots squared are what they were\n" : "they are not\n");
}
