// expect: a `mutable` lambda
#include <parallel/parallel.hpp>

#include <ranges>

void misuse() {
  int seen = 0;
  parallel::filter(std::views::iota(0, 9), [seen](int) mutable { return ++seen % 2 == 0; });
}
