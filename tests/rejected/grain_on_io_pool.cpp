// expect: io_map_options
#include <parallel/parallel.hpp>

#include <iterator>
#include <ranges>
#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::io_pool io;
  parallel::for_each(io, xs, [](int) {}, {.grain = 3});
}
