// How large claims become, and how many threads are invited. Time stands still here unless a test
// moves it.
#include "catch.hpp"
#include "test_clock.hpp"

#include <parallel/detail/loop/chunking.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace std::chrono_literals;
using parallel::detail::cost_model;
using test::test_clock;

namespace {

using pace = parallel::detail::basic_chunk_sizer<test_clock>;

} // namespace

TEST_CASE("claims are one block when the user has chosen the grain") {
  pace own(nullptr);
  own.start();
  for (int claim = 0; claim < 10; ++claim) {
    CHECK(own.wanted() == 1);
    CHECK(own.least() == 1);
    own.claimed(1);
  }
  CHECK(own.total_grains() == 0);
}

TEST_CASE("claims of known cost begin with a short trial, then double from a microsecond to ten") {
  cost_model known(10);
  pace own(&known);
  own.start();
  std::vector<std::uint32_t> sizes;
  for (int claim = 0; claim < 7; ++claim) {
    sizes.push_back(own.wanted());
    test_clock::pass(10ns * own.wanted());
    own.claimed(own.wanted());
  }
  CHECK(sizes == std::vector<std::uint32_t>{12, 100, 200, 400, 800, 1'000, 1'000});
  CHECK(own.total_ns() == 10.0 * static_cast<double>(own.total_grains()));
}

TEST_CASE("the first claim tells whether elements are much dearer than before") {
  cost_model known(10);
  for (const auto each : {10ns, 70ns}) { // the latter because of empty caches
    pace own(&known);
    own.start();
    test_clock::pass(12 * each);
    own.claimed(12);
    CHECK(own.wanted() == 100);
    CHECK(own.total_ns() == 12.0 * static_cast<double>(each.count()));
  }
  pace own(&known);
  own.start();
  test_clock::pass(12us);
  own.claimed(12);
  CHECK(own.wanted() == 10);
}

TEST_CASE(
    "a block's price is that of the last claims if the system has had a part in an earlier one") {
  cost_model known(100);
  pace own(&known);
  own.start();
  test_clock::pass(1ms);
  own.claimed(1);
  CHECK(own.ns_per_grain() == 1'000'000);
  test_clock::pass(300ns);
  own.claimed(3);
  CHECK(own.ns_per_grain() == 100);
}

TEST_CASE("claims of unknown cost grow fourfold to a microsecond, then twofold") {
  const cost_model site;
  pace own(&site);
  own.start();
  std::vector<std::uint32_t> sizes;
  for (int claim = 0; claim < 9; ++claim) {
    sizes.push_back(own.wanted());
    test_clock::pass(100ns * own.wanted());
    own.claimed(own.wanted());
  }
  CHECK(sizes == std::vector<std::uint32_t>{1, 4, 10, 20, 40, 80, 100, 100, 100});
}

TEST_CASE("claims shrink at once when elements turn out dear") {
  cost_model known(1);
  pace own(&known);
  own.start();
  own.claimed(125);
  CHECK(own.wanted() == 1'000);
  test_clock::pass(1ms);
  own.claimed(1'000);
  CHECK(own.wanted() == 10);
  CHECK(own.least() == 1);
}

TEST_CASE("blocks that last half a microsecond are worth a steal, or longer among many slots") {
  cost_model known(100);
  pace own(&known);
  CHECK(own.worth_stealing(2) == 5);
  CHECK(own.worth_stealing(4) == 5);
  CHECK(own.worth_stealing(16) == 20);
  own.restart();
  CHECK(own.worth_stealing(16) == 1); // nothing is known
  CHECK(pace(nullptr).worth_stealing(16) == 1);
}

TEST_CASE("short claims are timed together") {
  cost_model known(100);
  pace own(&known);
  own.start();
  test_clock::pass(100ns);
  own.claimed(1); // the trial
  for (int claim = 0; claim < 5; ++claim) {
    CHECK(own.total_grains() == 1);
    test_clock::pass(200ns);
    own.claimed(2);
  }
  CHECK(own.total_grains() == 11);
  CHECK(own.total_ns() == 1'100);
}

TEST_CASE("blocks are dear that take many times what is remembered, or else than a trial should") {
  const auto are_dear = [](const cost_model* site, std::chrono::nanoseconds each, bool loot) {
    pace own(site);
    own.start();
    if (loot)
      own.restart();
    test_clock::pass(each * own.wanted());
    own.claimed(own.wanted());
    return own.is_expensive();
  };
  const cost_model known(10);
  const cost_model unknown;
  for (const bool loot : {false, true}) {
    CHECK(!are_dear(&known, 300ns, loot));
    CHECK(are_dear(&known, 340ns, loot));
    CHECK(!are_dear(&unknown, 100ns, loot));
    CHECK(are_dear(&unknown, 150ns, loot));
    CHECK(!are_dear(nullptr, 1h, loot));
  }
}

TEST_CASE("one end of loot says nothing of the other, one end of a share does") {
  const cost_model known(10);
  pace own(&known);
  own.start();
  test_clock::pass(12 * 10ns);
  own.claimed(12);
  own.turn();
  CHECK(own.wanted() == 100);
  own.restart();
  test_clock::pass(10ns);
  own.claimed(1);
  CHECK(own.wanted() == 4);
  own.turn();
  CHECK(own.wanted() == 1);
  CHECK(own.least() == 1);
  test_clock::pass(1ms);
  own.claimed(1);
  CHECK(own.wanted() == 1);
}

TEST_CASE("both ends of loot are worth a try unless it should be done in half a microsecond") {
  const cost_model known(10);
  pace own(&known);
  own.start();
  CHECK(own.worth_trying(51));
  CHECK(!own.worth_trying(50));
  const cost_model unknown;
  pace first(&unknown);
  first.start();
  CHECK(first.worth_trying(1));
}

TEST_CASE("a steal is not charged to the claims, and the first one after it is a single block") {
  cost_model known(100);
  pace own(&known);
  own.start();
  test_clock::pass(1us);
  own.claimed(10);
  CHECK(own.wanted() == 10);
  test_clock::pass(1h);
  own.restart();
  CHECK(own.wanted() == 1);
  CHECK(own.least() == 1);
  test_clock::pass(1us);
  own.claimed(1);
  CHECK(own.total_ns() == 2'000);
}

TEST_CASE("as many threads are worth inviting as the work is long") {
  using parallel::detail::useful_threads;
  CHECK(useful_threads(1, 2, 1, 0) == 2); // no fewer than two
  CHECK(useful_threads(1, 256, 255, 0) == 2);
  CHECK(useful_threads(30'000, 256, 255, 0) == 10);
  CHECK(useful_threads(1e9, 256, 255, 0) == 256);
}

TEST_CASE("sleeping workers are worth a wake each that has work left when they come") {
  using parallel::detail::useful_threads;
  CHECK(useful_threads(500'000, 256, 0, 50'000) == 11);
  CHECK(useful_threads(500'000, 256, 7, 50'000) == 18);
  CHECK(useful_threads(20'000, 256, 0, 50'000) == 2);
  CHECK(useful_threads(1e9, 16, 0, 50'000) == 16);
}

TEST_CASE("little work is for those who are awake, and wakes nobody") {
  using parallel::detail::plan_participation;
  CHECK(plan_participation(30'000, 16, 3, 50'000).threads == 4);
  CHECK(plan_participation(30'000, 16, 3, 50'000).wakes == 0);
  CHECK(plan_participation(30'000, 16, 15, 50'000).threads == 10);
  CHECK(plan_participation(30'000, 16, 15, 50'000).wakes == 0);
  CHECK(plan_participation(15'000, 16, 1, 1'000).wakes ==
        0); // a wake has its price for the waker, too
}

TEST_CASE("work wakes those who come in time, and little work one if all sleep") {
  using parallel::detail::plan_participation;
  CHECK(plan_participation(500'000, 16, 3, 50'000).threads == 14);
  CHECK(plan_participation(500'000, 16, 3, 50'000).wakes == 10);
  CHECK(plan_participation(30'000, 16, 0, 50'000).threads == 2);
  CHECK(plan_participation(30'000, 16, 0, 50'000).wakes == 1);
}

TEST_CASE("long work wakes one although enough are awake, as they may be busy elsewhere") {
  CHECK(parallel::detail::plan_participation(500'000, 4, 3, 50'000).wakes == 1);
}

TEST_CASE("work of unknown length invites all") {
  using parallel::detail::plan_participation;
  CHECK(plan_participation(0, 16, 3, 50'000).threads == 16);
  CHECK(plan_participation(0, 16, 3, 50'000).wakes == 12);
}
