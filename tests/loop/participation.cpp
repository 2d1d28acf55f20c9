// How many threads a call uses, and how many of them it wakes.
#include "catch.hpp"

#include <parallel/detail/loop/participation.hpp>

TEST_CASE("longer work is worth more threads") {
  using parallel::detail::useful_threads;
  CHECK(useful_threads(1, 2, 1, 0) == 2); // no fewer than two
  CHECK(useful_threads(1, 256, 255, 0) == 2);
  CHECK(useful_threads(30'000, 256, 255, 0) == 10);
  CHECK(useful_threads(1e9, 256, 255, 0) == 256);
}

TEST_CASE("a sleeping worker takes part if there is work left when it has been woken") {
  using parallel::detail::useful_threads;
  CHECK(useful_threads(500'000, 256, 0, 50'000) == 11);
  CHECK(useful_threads(500'000, 256, 7, 50'000) == 18);
  CHECK(useful_threads(20'000, 256, 0, 50'000) == 2);
  CHECK(useful_threads(1e9, 16, 0, 50'000) == 16);
}

TEST_CASE("little work is left to the workers that are awake and wakes none") {
  using parallel::detail::plan_participation;
  CHECK(plan_participation(30'000, 16, 3, 50'000).threads == 4);
  CHECK(plan_participation(30'000, 16, 3, 50'000).wakes == 0);
  CHECK(plan_participation(30'000, 16, 15, 50'000).threads == 10);
  CHECK(plan_participation(30'000, 16, 15, 50'000).wakes == 0);
  CHECK(plan_participation(15'000, 16, 1, 1'000).wakes ==
        0); // a wake has its price for the waker, too
}

TEST_CASE("work wakes the workers that come in time, and little work wakes one if all sleep") {
  using parallel::detail::plan_participation;
  CHECK(plan_participation(500'000, 16, 3, 50'000).threads == 14);
  CHECK(plan_participation(500'000, 16, 3, 50'000).wakes == 10);
  CHECK(plan_participation(30'000, 16, 0, 50'000).threads == 2);
  CHECK(plan_participation(30'000, 16, 0, 50'000).wakes == 1);
}

TEST_CASE("long work wakes one worker although enough are awake, as they may be busy elsewhere") {
  CHECK(parallel::detail::plan_participation(500'000, 4, 3, 50'000).wakes == 1);
}

TEST_CASE("work of unknown length uses all threads") {
  using parallel::detail::plan_participation;
  CHECK(plan_participation(0, 16, 3, 50'000).threads == 16);
  CHECK(plan_participation(0, 16, 3, 50'000).wakes == 12);
}
