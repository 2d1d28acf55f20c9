// Compares random programs of calls to the library with plain loops: COUNT programs, beginning with
// the one of SEED. Usage: programs [SEED [COUNT]]
#include "random_programs.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

int main(int count, char** arguments) {
  const std::uint64_t first = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1;
  const std::uint64_t programs = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 200;
  for (std::uint64_t seed = first; seed < first + programs; ++seed)
    if (test::choices choose(seed); !test::program_agrees(choose, 6)) {
      std::printf("failed with seed %llu\n", static_cast<unsigned long long>(seed));
      return 1;
    }
  std::printf("%llu programs agree with the plain loops\n",
              static_cast<unsigned long long>(programs));
}
