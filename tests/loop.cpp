// From whom a participant of a loop takes, and in which order.
#include "catch.hpp"

#include <parallel/detail/loop.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

using namespace std::chrono_literals;
using parallel::detail::call_site;
using parallel::detail::loop;
using parallel::detail::loop_body;

namespace {

struct course {
  call_site* site = nullptr;
  std::size_t dear = SIZE_MAX;                // the element that takes a millisecond
  std::size_t fails = SIZE_MAX;               // the one that throws
  std::vector<std::size_t>* claims = nullptr; // where to note how many elements each claim has
};

/// The elements that seat 2 of 3 runs, in order, when nobody else comes; `n` in blocks of one.
std::vector<std::size_t> run_by_the_last_seat(std::size_t n, const course& what = {}) {
  std::vector<std::size_t> order;
  const auto body = [&](std::size_t begin, std::size_t end) {
    if (what.claims != nullptr)
      what.claims->push_back(end - begin);
    for (; begin != end; ++begin) {
      order.push_back(begin);
      if (begin == what.fails)
        throw begin;
      const auto start = std::chrono::steady_clock::now();
      while (begin == what.dear && std::chrono::steady_clock::now() - start < 1ms) {
      }
    }
  };
  parallel::detail::scheduler nobody({.threads = 3}, parallel::detail::make_loop);
  loop work(3);
  work.prepare(loop_body(body), 0, n, 1, what.site, 3, &nobody);
  parallel::detail::loop_counts counts;
  work.help(2, counts);
  return order;
}

} // namespace

TEST_CASE("a thief takes half of what is left to whoever has most") {
  const std::vector<std::size_t> order = run_by_the_last_seat(27);
  const std::vector<std::size_t> loot(order.begin() + 9, order.begin() + 23);
  CHECK(loot == std::vector<std::size_t>{8, 4, 5, 6, 7,      // half of seat 0's
                                         17, 13, 14, 15, 16, // half of seat 1's
                                         3, 2, 12, 11});
}

TEST_CASE("the last seat begins with the last element and goes on from the front of its share") {
  const std::vector<std::size_t> order = run_by_the_last_seat(27);
  const std::vector<std::size_t> own(order.begin(), order.begin() + 9);
  CHECK(own == std::vector<std::size_t>{26, 18, 19, 20, 21, 22, 23, 24, 25});
}

TEST_CASE("the last seat goes on from the back if the last element is dear") {
  call_site known(125);
  const std::vector<std::size_t> order = run_by_the_last_seat(27, {.site = &known, .dear = 26});
  CHECK(order[0] == 26);
  CHECK(order[1] == 25);
}

TEST_CASE("a thief goes on from the back of its loot if that is dear") {
  call_site known(125);
  const std::vector<std::size_t> order = run_by_the_last_seat(27, {.site = &known, .dear = 8});
  CHECK(order[9] == 8);
  CHECK(order[10] == 7);
}

TEST_CASE("a thief tries one block at the back of its loot, then one at its front") {
  call_site known(1'000);
  std::vector<std::size_t> claims;
  const std::vector<std::size_t> order =
      run_by_the_last_seat(300, {.site = &known, .claims = &claims});
  CHECK(order[100] == 99); // its own share has a hundred
  std::size_t loot = 0;
  for (std::size_t own = 0; own < 100; ++loot)
    own += claims[loot];
  CHECK(claims[loot] == 1);
  CHECK(claims[loot + 1] == 1);
}

TEST_CASE("a seat whose first element fails, the last one, runs the others, which are lower") {
  std::vector<std::size_t> order = run_by_the_last_seat(27, {.fails = 26});
  std::sort(order.begin(), order.end());
  CHECK(order.size() == 27);
}

TEST_CASE("a seat leaves out what is higher than an element that fails") {
  std::vector<std::size_t> order = run_by_the_last_seat(27, {.fails = 20});
  std::sort(order.begin(), order.end());
  CHECK(order.size() == 22); // 0 to 20, and 26
  CHECK(order[20] == 20);
  CHECK(order[21] == 26);
}

TEST_CASE("a participant runs the shares of those who do not come") {
  std::vector<std::size_t> order = run_by_the_last_seat(1'000);
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> all(1'000);
  std::iota(all.begin(), all.end(), 0);
  CHECK(order == all);
}
