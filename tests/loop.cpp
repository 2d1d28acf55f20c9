// From whom a participant of a loop takes, and in which order.
#include "catch.hpp"

#include <parallel/detail/loop.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

using parallel::detail::loop;
using parallel::detail::loop_body;

namespace {

/// The elements that seat 2 of 3 runs, in order, when nobody else comes; `n` in blocks of one.
std::vector<std::size_t> run_by_the_last_seat(std::size_t n) {
  std::vector<std::size_t> order;
  const auto body = [&](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin)
      order.push_back(begin);
  };
  loop work(3);
  work.prepare(loop_body(body), 0, n, 1, nullptr, 3, nullptr);
  parallel::detail::loop_counts counts;
  work.help(2, counts);
  return order;
}

} // namespace

TEST_CASE("a thief takes half of what is left to whoever has most") {
  const std::vector<std::size_t> order = run_by_the_last_seat(27);
  const std::vector<std::size_t> first(order.begin(), order.begin() + 23);
  CHECK(first == std::vector<std::size_t>{26, 25, 24, 23, 22,
                                          21, 20, 19, 18,     // its own, from the end
                                          8,  7,  6,  5,  4,  // half of seat 0's
                                          17, 16, 15, 14, 13, // half of seat 1's
                                          3,  2,  12, 11});
}

TEST_CASE("a participant runs the shares of those who do not come") {
  std::vector<std::size_t> order = run_by_the_last_seat(1'000);
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> all(1'000);
  std::iota(all.begin(), all.end(), 0);
  CHECK(order == all);
}
