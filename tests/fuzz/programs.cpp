// Fuzz target: programs of calls to the library, which the input determines, compared with plain
// loops.
#include "stress/random_programs.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::choices choose(data, size);
  if (!test::program_agrees(choose, 2))
    std::abort();
  return 0;
}
