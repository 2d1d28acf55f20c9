// How work is measured: what stays on the caller, and how large claims become.
#include "catch.hpp"

#include <parallel/detail/grain.hpp>

#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

using parallel::detail::call_site;
using parallel::detail::pace;
using parallel::detail::run_while_small;

namespace {

void spin_for(std::chrono::microseconds time) {
  const auto start = parallel::detail::clock::now();
  while (parallel::detail::clock::now() - start < time)
    ;
}

} // namespace

TEST_CASE("a call site of unknown cost shares from the start") {
  call_site site;
  const auto never = [](std::size_t, std::size_t) { FAIL("the body ran"); };
  CHECK(run_while_small(site, 2, never) == 0);
}

TEST_CASE("a call known to be large shares from the start") {
  call_site site;
  site.learn(1'000, 1);
  const auto never = [](std::size_t, std::size_t) { FAIL("the body ran"); };
  CHECK(run_while_small(site, 11, never) == 0);
}

TEST_CASE("a call known to be small runs whole and in order on its caller") {
  call_site site;
  site.learn(1, 1'000'000);
  std::vector<std::size_t> seen;
  const auto body = [&](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin)
      seen.push_back(begin);
  };
  CHECK(run_while_small(site, 3, body) == 3);
  CHECK(seen == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("a call that turns out dear stops being small midway") {
  call_site site;
  site.learn(1'000, 1); // nine elements of a microsecond: small, and looked at one by one
  const auto body = [](std::size_t, std::size_t) { spin_for(std::chrono::milliseconds(1)); };
  CHECK(run_while_small(site, 9, body) == 1);
  CHECK(site.estimate() > 100'000); // and the next call knows it
}

TEST_CASE("a call that was cheap looks at the clock after its first element") {
  // 500 elements of a nanosecond, says the memory; they take a millisecond each. (A function
  // pointer shares its call site with all functions of its type.)
  call_site site;
  site.learn(1, 1);
  const auto body = [](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin)
      spin_for(std::chrono::milliseconds(1));
  };
  CHECK(run_while_small(site, 500, body) == 1);
}

TEST_CASE("a call site blends what it measures") {
  call_site site;
  CHECK(site.estimate() == 0);
  site.learn(1'000, 10);
  CHECK(site.estimate() == 100);
  site.learn(3'000, 10);
  CHECK(site.estimate() == 200);
  site.learn(5, 0); // no element: nothing to learn
  CHECK(site.estimate() == 200);
}

TEST_CASE("claims are one block when the user has chosen the grain") {
  pace own(nullptr);
  for (int claim = 0; claim < 10; ++claim) {
    CHECK(own.wanted() == 1);
    own.claimed(1);
  }
}

TEST_CASE("claims start from what the call site knows") {
  call_site site;
  site.learn(100, 1);
  CHECK(pace(&site).wanted() == 100); // ten microseconds' worth
}

TEST_CASE("claims shrink at once when elements turn out dear") {
  call_site site;
  site.learn(1, 1);
  pace own(&site);
  CHECK(own.wanted() == 10'000);
  spin_for(std::chrono::milliseconds(1));
  own.claimed(10);
  CHECK(own.wanted() == 1);
}

TEST_CASE("claims at most double when elements turn out cheap") {
  const call_site site;
  pace own(&site);
  for (std::uint32_t most = 2; most <= 1'024; most *= 2) {
    const std::uint32_t before = own.wanted();
    own.claimed(before);
    CHECK(own.wanted() <= 2 * before);
  }
}
