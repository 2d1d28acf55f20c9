// How work is measured: what stays on the caller, and how large claims become. Time stands still
// here unless a test moves it.
#include "catch.hpp"

#include <parallel/detail/grain.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace std::chrono_literals;
using parallel::detail::call_site;

namespace {

struct test_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<test_clock>;

  static time_point now() { return time_point(time); }
  static void pass(duration passed) { time += passed; }

 private:
  static inline duration time{};
};

using pace = parallel::detail::basic_pace<test_clock>;

template <class Body>
std::size_t run_small(call_site& site, std::size_t n, const Body& body) {
  return parallel::detail::run_while_small<test_clock>(site, n, body);
}

const auto never = [](std::size_t, std::size_t) { FAIL("the body ran"); };

/// A body whose elements take a millisecond each.
const auto dear = [](std::size_t begin, std::size_t end) { test_clock::pass(1ms * (end - begin)); };

} // namespace

TEST_CASE("a call site of unknown cost shares from the start") {
  call_site site;
  CHECK(run_small(site, 2, never) == 0);
}

TEST_CASE("a call known to be large shares from the start") {
  call_site site;
  site.learn(1'000, 1);
  CHECK(run_small(site, 11, never) == 0);
}

TEST_CASE("a call known to be small runs whole and in order on its caller") {
  call_site site;
  site.learn(1, 1);
  std::vector<std::size_t> seen;
  const auto cheap = [&](std::size_t begin, std::size_t end) {
    test_clock::pass(1ns * (end - begin));
    for (; begin != end; ++begin)
      seen.push_back(begin);
  };
  CHECK(run_small(site, 500, cheap) == 500);
  CHECK(seen.size() == 500);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(site.estimate() == 1);
}

TEST_CASE("a call that was cheap notices dear elements after the first one") {
  // A thousand elements of a nanosecond, says the memory. (Functions of one type share a call
  // site.)
  call_site site;
  site.learn(1, 1);
  CHECK(run_small(site, 1'000, dear) == 1);
  CHECK(site.estimate() > 100'000); // and the next call knows it
}

TEST_CASE("a call whose elements become dear midway is left soon after") {
  call_site site;
  site.learn(1, 1);
  const auto dear_from_20_on = [](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin)
      test_clock::pass(begin < 20 ? 1ns : 1ms);
  };
  CHECK(run_small(site, 9'000, dear_from_20_on) == 1 + 16 + 256);
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
  own.restart();
  CHECK(own.wanted() == 10'000);
  test_clock::pass(1ms);
  own.claimed(10);
  CHECK(own.wanted() == 1);
}

TEST_CASE("claims double until they last ten microseconds") {
  const call_site site;
  pace own(&site);
  own.restart();
  std::vector<std::uint32_t> sizes;
  for (int claim = 0; claim < 12; ++claim) {
    sizes.push_back(own.wanted());
    test_clock::pass(100ns * own.wanted());
    own.claimed(own.wanted());
  }
  CHECK(sizes == std::vector<std::uint32_t>{1, 2, 4, 8, 16, 32, 64, 100, 100, 100, 100, 100});
  CHECK(own.total_ns() == 100.0 * static_cast<double>(own.total_blocks()));
}

TEST_CASE("a pause between claims is not charged to them") {
  const call_site site;
  pace own(&site);
  own.restart();
  test_clock::pass(1h);
  own.restart();
  test_clock::pass(10ns);
  own.claimed(1);
  CHECK(own.total_ns() == 10);
}
