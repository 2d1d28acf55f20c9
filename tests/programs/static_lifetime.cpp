// The default pool works before main, in it, and after it: in static constructors, in functions
// registered with atexit, and in static destructors.
#include <parallel/map.hpp>

#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace {

void map_or_abort() {
  std::vector<int> xs(1'000);
  std::iota(xs.begin(), xs.end(), 0);
  if (parallel::map(xs, [](int x) { return x + 1; }, {.grain = 1}).back() != 1'000)
    std::abort();
}

struct user {
  user() { map_or_abort(); }
  user(const user&) = delete;
  user& operator=(const user&) = delete;
  ~user() {
    map_or_abort();
    std::puts("passed");
  }
};

const user first;

} // namespace

int main() {
  std::atexit(map_or_abort);
  map_or_abort();
}
