// expect: would be cut off
#include <parallel/parallel.hpp>

#include <cstdint>
#include <functional>
#include <vector>

void misuse(std::vector<std::int64_t>& xs) {
  parallel::map_reduce(
      xs, [](std::int64_t x) { return x; }, 0, std::plus<>());
}
