// The word in which a participant's grains are packed: owner and thieves take each grain once.
#include "catch.hpp"

#include <parallel/detail/loop/range_slot.hpp>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

using parallel::detail::grain_range;
using parallel::detail::range_slot;
using parallel::detail::side;

TEST_CASE("an owner takes at most a quarter from the front, or a minimum if that is more") {
  range_slot slot;
  slot.put({0, 100});
  CHECK(slot.take(side::front, 1'000, 1) == grain_range{0, 25});
  CHECK(slot.take(side::front, 10, 1) == grain_range{25, 35});
  CHECK(slot.take(side::front, 10, 1'000) == grain_range{35, 45});
  CHECK(slot.take(side::front, 1'000, 20) == grain_range{45, 65});
  CHECK(slot.size() == 35);
  CHECK(slot.take(side::front, 1'000, 34) == grain_range{65, 99});
  CHECK(slot.take(side::front, 1'000, 34) == grain_range{99, 100});
  slot.put({7, 9});
  CHECK(slot.take(side::front, 2, 1) == grain_range{7, 8});
  CHECK(slot.take(side::front, 2, 1) == grain_range{8, 9});
  CHECK(slot.take(side::front, 2, 1).empty());
}

TEST_CASE("a thief takes the back half, the last grain included") {
  range_slot slot;
  slot.put({10, 13});
  CHECK(slot.steal() == grain_range{11, 13});
  CHECK(slot.steal() == grain_range{10, 11});
  CHECK(slot.steal().empty());
  CHECK(slot.size() == 0);
}

TEST_CASE("an owner can take from the back") {
  range_slot slot;
  slot.put({0, 100});
  CHECK(slot.take(side::back, 1'000, 1) == grain_range{75, 100});
  CHECK(slot.take(side::back, 10, 1) == grain_range{65, 75});
  CHECK(slot.steal() == grain_range{32, 65});
  CHECK(slot.take(side::back, 1'000, 1'000) == grain_range{0, 32});
}

TEST_CASE("a thief takes no more than it wants") {
  range_slot slot;
  slot.put({0, 100});
  CHECK(slot.steal(10) == grain_range{90, 100});
  CHECK(slot.steal(90) == grain_range{45, 90});
}

TEST_CASE("a slot holds grain numbers up to the last one") {
  range_slot slot;
  slot.put({0, 0xFFFF'FFFF});
  CHECK(slot.steal() == grain_range{0x7FFF'FFFF, 0xFFFF'FFFF});
  CHECK(slot.take(side::front, 1, 1) == grain_range{0, 1});
}

TEST_CASE("trim drops the grains from a limit on and leaves the others") {
  range_slot slot;
  slot.put({3, 9});
  slot.trim(0xFFFF'FFFF);
  slot.trim(9);
  CHECK(slot.size() == 6);
  slot.trim(7);
  CHECK(slot.size() == 4);
  slot.trim(8);
  CHECK(slot.size() == 4);
  CHECK(slot.take(side::back, 1, 1) == grain_range{6, 7});
  CHECK(slot.steal() == grain_range{4, 6});
  slot.trim(4);
  CHECK(slot.take(side::front, 1, 1) == grain_range{3, 4});
  slot.trim(0);
  CHECK(slot.size() == 0);
}

TEST_CASE("a slot that is trimmed below its first grain is empty") {
  for (const std::uint32_t limit : {0U, 2U, 3U}) {
    range_slot slot;
    slot.put({3, 0xFFFF'FFFF});
    slot.trim(limit);
    CHECK(slot.size() == 0);
    CHECK(slot.take(side::front, 1, 1).empty());
    CHECK(slot.take(side::back, 1, 1).empty());
    CHECK(slot.steal().empty());
    slot.put({5, 6});
    CHECK(slot.steal() == grain_range{5, 6});
  }
}

TEST_CASE("grains below a limit go to one thread each while another thread trims the slot") {
  constexpr std::uint32_t grains = 20'000;
  constexpr std::uint32_t limit = 7'000;
  for (int round = 0; round < 20; ++round) {
    range_slot slot;
    std::vector<std::atomic<int>> taken(grains);
    const auto note = [&](grain_range range) {
      for (std::uint32_t grain = range.begin; grain != range.end; ++grain)
        ++taken[grain];
      return !range.empty();
    };
    slot.put({0, grains});
    std::thread thief([&] {
      while (note(slot.steal(1)))
        ;
    });
    std::thread trimmer([&] {
      for (std::uint32_t down = grains; down != limit; down -= 1'000)
        slot.trim(down - 1'000);
    });
    while (note(slot.take(side::front, 1, 1)))
      ;
    thief.join();
    trimmer.join();
    bool once = true;
    for (std::uint32_t grain = 0; grain != grains; ++grain)
      once = once && (grain < limit ? taken[grain] == 1 : taken[grain] <= 1);
    REQUIRE(once);
    REQUIRE(slot.size() == 0);
  }
}

TEST_CASE("every grain goes once to either the owner or one of the thieves") {
  constexpr std::uint32_t grains = 20'000;
  for (int round = 0; round < 20; ++round) {
    range_slot slot;
    std::vector<std::atomic<int>> taken(grains);
    const auto note = [&](grain_range range) {
      for (std::uint32_t grain = range.begin; grain != range.end; ++grain)
        ++taken[grain];
      return !range.empty();
    };
    slot.put({0, grains});
    std::vector<std::thread> thieves;
    for (int thief = 0; thief < 3; ++thief)
      thieves.emplace_back([&] {
        // A thief that ran a whole half at once would end the race: it puts what it has stolen into
        // a slot of its own, as the loop does, and takes grains from there.
        range_slot own;
        while (slot.size() != 0) {
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
