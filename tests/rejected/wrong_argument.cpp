// expect: cannot be called with the elements
#include <parallel/parallel.hpp>

#include <iterator>
#include <ranges>
#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::map(xs, [](const char* text) { return text; });
}
