// The word in which a participant's blocks are packed: who takes what, and each block once.
#include "catch.hpp"

#include <parallel/detail/range_slot.hpp>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

using parallel::detail::block_range;
using parallel::detail::range_slot;
using parallel::detail::side;

TEST_CASE("an owner takes a quarter from the front, or what is worth it") {
  range_slot slot;
  slot.put({0, 100});
  CHECK(slot.take(side::front, 1'000, 1) == block_range{0, 25});
  CHECK(slot.take(side::front, 10, 1) == block_range{25, 35});
  CHECK(slot.take(side::front, 10, 1'000) == block_range{35, 45});
  CHECK(slot.take(side::front, 1'000, 20) == block_range{45, 65});
  CHECK(slot.size() == 35);
  CHECK(slot.take(side::front, 1'000, 34) == block_range{65, 99});
  CHECK(slot.take(side::front, 1'000, 34) == block_range{99, 100});
  slot.put({7, 9});
  CHECK(slot.take(side::front, 2, 1) == block_range{7, 8});
  CHECK(slot.take(side::front, 2, 1) == block_range{8, 9});
  CHECK(slot.take(side::front, 2, 1).empty());
}

TEST_CASE("a thief takes the back half, the last block included") {
  range_slot slot;
  slot.put({10, 13});
  CHECK(slot.steal() == block_range{11, 13});
  CHECK(slot.steal() == block_range{10, 11});
  CHECK(slot.steal().empty());
  CHECK(slot.empty());
}

TEST_CASE("an owner can take from the back") {
  range_slot slot;
  slot.put({0, 100});
  CHECK(slot.take(side::back, 1'000, 1) == block_range{75, 100});
  CHECK(slot.take(side::back, 10, 1) == block_range{65, 75});
  CHECK(slot.steal() == block_range{32, 65});
  CHECK(slot.take(side::back, 1'000, 1'000) == block_range{0, 32});
}

TEST_CASE("a thief takes no more than it wants") {
  range_slot slot;
  slot.put({0, 100});
  CHECK(slot.steal(10) == block_range{90, 100});
  CHECK(slot.steal(90) == block_range{45, 90});
}

TEST_CASE("a slot holds block numbers up to the last one") {
  range_slot slot;
  slot.put({0, 0xFFFF'FFFF});
  CHECK(slot.steal() == block_range{0x7FFF'FFFF, 0xFFFF'FFFF});
  CHECK(slot.take(side::front, 1, 1) == block_range{0, 1});
}

TEST_CASE("clear gives up every block") {
  range_slot slot;
  slot.put({3, 9});
  slot.clear();
  CHECK(slot.empty());
  CHECK(slot.take(side::front, 1, 1).empty());
  CHECK(slot.steal().empty());
}

TEST_CASE("owner and thieves get every block once between them") {
  constexpr std::uint32_t blocks = 20'000;
  for (int round = 0; round < 20; ++round) {
    range_slot slot;
    std::vector<std::atomic<int>> taken(blocks);
    const auto note = [&](block_range range) {
      for (std::uint32_t block = range.begin; block != range.end; ++block)
        ++taken[block];
      return !range.empty();
    };
    slot.put({0, blocks});
    std::vector<std::thread> thieves;
    for (int thief = 0; thief < 3; ++thief)
      thieves.emplace_back([&] {
        // A thief of a whole half would end the race at once: it puts most of its loot back in a
        // slot of its own, as the loop does, and eats from there.
        range_slot own;
        while (!slot.empty()) {
          own.put(slot.steal());
          while (note(own.take(side::front, 1, 1)))
            ;
        }
      });
    while (note(slot.take(side::front, 1, 1)))
      ;
    for (std::thread& thief : thieves)
      thief.join();
    bool once = true;
    for (const std::atomic<int>& count : taken)
      once = once && count == 1;
    REQUIRE(once);
  }
}
