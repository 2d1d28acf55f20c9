// The first program of the README: a loop on all cores.
#include <parallel/map.hpp>

#include <algorithm>
#include <iostream>
#include <ranges>

bool is_prime(int n) {
  for (int d = 2; d * d <= n; ++d)
    if (n % d == 0)
      return false;
  return n > 1;
}

int main() {
  const auto prime = parallel::map(std::views::iota(0, 1'000'000), is_prime);
  std::cout << std::ranges::count(prime, true) << " primes below a million\n";
}
