// expect: to write, use a std::vector<char>
#include <parallel/parallel.hpp>

#include <ranges>
#include <vector>

void misuse(std::vector<int>& xs, std::vector<bool>& flags) {
  parallel::for_each(xs, std::views::reverse(flags), [](int x, auto flag) { flag = x > 0; });
}
