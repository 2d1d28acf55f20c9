// expect: parts of the range are combined first
#include <parallel/parallel.hpp>

#include <set>
#include <vector>

void misuse(std::vector<int>& xs) {
  parallel::map_reduce(
      xs, [](int x) { return x; }, std::set<int>(),
      [](std::set<int> all, int x) {
        all.insert(x);
        return all;
      });
}
