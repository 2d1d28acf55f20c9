// expect: for others there is transform()
#include <parallel/parallel.hpp>

void misuse(const parallel::outcome<int>& one) {
  one.and_then([](int x) { return x; });
}
