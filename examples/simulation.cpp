// A simulation that gives the same result on any number of threads: with a seed, each trial gets
// random numbers of its own. How often do two of 23 people share a birthday?
#include <parallel/map.hpp>
#include <parallel/random.hpp>
#include <parallel/serial.hpp>

#include <algorithm>
#include <bitset>
#include <iostream>
#include <random>
#include <ranges>

bool shared_birthday(int, parallel::random_engine& random) {
  std::uniform_int_distribution<std::size_t> day(0, 364);
  std::bitset<365> taken;
  for (int person = 0; person < 23; ++person) {
    const std::size_t birthday = day(random);
    if (taken[birthday])
      return true;
    taken.set(birthday);
  }
  return false;
}

int main() {
  const auto trials = std::views::iota(0, 200'000);
  const auto shared = parallel::map(trials, shared_birthday, {.seed = 2026});
  const auto serially = parallel::map(parallel::serial, trials, shared_birthday, {.seed = 2026});
  std::cout << std::ranges::count(shared, true) / 2'000 << " of 100; "
            << (shared == serially ? "the same" : "something else") << " on one thread\n";
}
