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
  static std::uint64_t now() { return static_cast<std::uint64_t>(time.count()); }
  static double ns_between(std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(to - from);
  }
  static void pass(std::chrono::nanoseconds passed) { time += passed; }

 private:
  static inline std::chrono::nanoseconds time{1h};
};

using pace = parallel::detail::basic_pace<test_clock>;

/// The workers are awake.
double awake() {
  return 0;
}

/// They sleep, and take a tenth of a millisecond to come.
double asleep() {
  return 100'000;
}

template <class Body>
std::size_t run_small(call_site& site, std::size_t n, double (*wake_ns)(), const Body& body) {
  return parallel::detail::run_while_small<test_clock>(site, n, wake_ns, body);
}

const auto never = [](std::size_t, std::size_t) { FAIL("the body ran"); };

/// A body whose elements take so long each.
auto lasting(std::chrono::nanoseconds time) {
  return [=](std::size_t begin, std::size_t end) { test_clock::pass(time * (end - begin)); };
}

/// A site that has seen elements of `ns` nanoseconds.
struct site_of {
  explicit site_of(double ns) { site.learn(ns, 1); }
  call_site site;
};

/// How many of 1,000 calls of 10 microseconds stay on their caller while the workers sleep, the
/// calls `apart` from each other, before one wakes them.
int calls_until_a_wake(std::chrono::nanoseconds apart) {
  site_of known(1'000);
  for (int call = 0; call < 1'000; ++call) {
    if (run_small(known.site, 10, asleep, lasting(1us)) == 0)
      return call;
    test_clock::pass(apart);
  }
  return 1'000;
}

} // namespace

TEST_CASE("a call site of unknown cost shares from the start") {
  call_site site;
  CHECK(run_small(site, 2, asleep, never) == 0);
}

TEST_CASE("a call worth more than a few wakes shares from the start") {
  site_of known(1'000);
  CHECK(run_small(known.site, 200, asleep, never) == 0);
}

TEST_CASE("a call of three microseconds is shared with workers that are awake") {
  site_of known(100);
  CHECK(run_small(known.site, 30, awake, never) == 0);
}

TEST_CASE("a call of three microseconds wakes nobody") {
  site_of known(100);
  CHECK(run_small(known.site, 30, asleep, lasting(100ns)) == 30);
}

TEST_CASE("a call known to be small runs whole and in order on its caller") {
  site_of known(1);
  std::vector<std::size_t> seen;
  const auto cheap = [&](std::size_t begin, std::size_t end) {
    test_clock::pass(1ns * (end - begin));
    for (; begin != end; ++begin)
      seen.push_back(begin);
  };
  CHECK(run_small(known.site, 500, awake, cheap) == 500);
  CHECK(seen.size() == 500);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(known.site.estimate() == 1);
}

TEST_CASE(
    "small calls in quick succession wake the workers once they have lost what a wake costs") {
  CHECK(calls_until_a_wake(1us) == 20); // each could have gained half of its ten microseconds
}

TEST_CASE("small calls far apart never wake the workers") {
  CHECK(calls_until_a_wake(1ms) == 1'000);
}

TEST_CASE("a call that was cheap notices dear elements after the first one") {
  // A thousand elements of a nanosecond, says the memory. (Functions of one type share a call
  // site.)
  for (const auto workers : {awake, asleep}) {
    site_of known(1);
    CHECK(run_small(known.site, 1'000, workers, lasting(1ms)) == 1);
    CHECK(known.site.estimate() > 100'000); // and the next call knows it
  }
}

TEST_CASE("a call whose elements become dear midway is left soon after") {
  site_of known(1);
  const auto dear_from_20_on = [](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin)
      test_clock::pass(begin < 20 ? 1ns : 1ms);
  };
  CHECK(run_small(known.site, 1'900, asleep, dear_from_20_on) == 1 + 128);
}

TEST_CASE("a call whose elements are a little dearer than known stays where it is and is learnt") {
  site_of known(100);
  CHECK(run_small(known.site, 15, asleep, lasting(300ns)) == 15);
  CHECK(known.site.estimate() == 200);
}

TEST_CASE("a tail that has become dear is found within a few dozen calls") {
  site_of known(1);
  const auto dear_tail = [](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin)
      test_clock::pass(begin < 97 ? 1ns : 1ms);
  };
  int calls = 0;
  while (calls < 500 && run_small(known.site, 100, awake, dear_tail) == 100)
    ++calls;
  CHECK(calls < 500);
  CHECK(known.site.estimate() > 10'000);
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
  own.start();
  for (int claim = 0; claim < 10; ++claim) {
    CHECK(own.wanted() == 1);
    CHECK(own.least() == 1);
    own.claimed(1);
  }
  CHECK(own.total_blocks() == 0);
}

TEST_CASE("claims double from one microsecond to ten") {
  site_of known(100);
  pace own(&known.site);
  own.start();
  std::vector<std::uint32_t> sizes;
  for (int claim = 0; claim < 6; ++claim) {
    sizes.push_back(own.wanted());
    test_clock::pass(100ns * own.wanted());
    own.claimed(own.wanted());
  }
  CHECK(sizes == std::vector<std::uint32_t>{10, 20, 40, 80, 100, 100});
  CHECK(own.total_ns() == 100.0 * static_cast<double>(own.total_blocks()));
}

TEST_CASE("claims of unknown cost grow fourfold to a microsecond, then twofold") {
  const call_site site;
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
  site_of known(1);
  pace own(&known.site);
  own.start();
  CHECK(own.wanted() == 1'000);
  test_clock::pass(1ms);
  own.claimed(1'000);
  CHECK(own.wanted() == 10);
  CHECK(own.least() == 1);
}

TEST_CASE("short claims are timed together") {
  site_of known(100);
  pace own(&known.site);
  own.start();
  for (int claim = 0; claim < 5; ++claim) {
    CHECK(own.total_blocks() == 0);
    test_clock::pass(200ns);
    own.claimed(2);
  }
  CHECK(own.total_blocks() == 10);
  CHECK(own.total_ns() == 1'000);
}

TEST_CASE("a steal is not charged to the claims, and the first one after it is a single block") {
  site_of known(100);
  pace own(&known.site);
  own.start();
  test_clock::pass(1us);
  own.claimed(10);
  CHECK(own.wanted() == 20);
  test_clock::pass(1h);
  own.restart();
  CHECK(own.wanted() == 1);
  CHECK(own.least() == 1);
  test_clock::pass(1us);
  own.claimed(1);
  CHECK(own.total_ns() == 2'000);
}
