// What stays on its caller, when it is looked at, and what is learnt of it. Time stands still here
// unless a test moves it.
#include "catch.hpp"
#include "test_clock.hpp"

#include <parallel/detail/loop/sequential_cutoff.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using parallel::detail::cost_model;
using test::test_clock;

namespace {

struct workers {
  double wakes_take_ns;
  mutable int forgotten = 0;

  [[nodiscard]] double wake_ns() const { return wakes_take_ns; }
  void forget_wake() const { ++forgotten; }
};
const workers awake{0};
const workers asleep{100'000};

template <class Body>
std::size_t run_small(cost_model& site, std::size_t n, const workers& wakes, const Body& body) {
  return parallel::detail::run_below_cutoff<test_clock>(site, n, wakes, body);
}

const auto must_not_run = [](std::size_t, std::size_t) { FAIL("the body ran"); };

/// A body whose elements take so long each.
auto lasting(std::chrono::nanoseconds time) {
  return [=](std::size_t begin, std::size_t end) { test_clock::pass(time * (end - begin)); };
}

int looks_taken = 0;

struct counting_clock : test_clock {
  static std::uint64_t now() {
    ++looks_taken;
    return test_clock::now();
  }
};

/// How many looks at the clock so many calls take.
int looks_of(int calls, cost_model& site, std::size_t n, std::chrono::nanoseconds each = 1ns) {
  looks_taken = 0;
  for (int call = 0; call < calls; ++call)
    CHECK(parallel::detail::run_below_cutoff<counting_clock>(site, n, awake, lasting(each)) == n);
  return looks_taken;
}

/// How many of so many calls, a microsecond apart, stay on their caller; the others are `shared()`.
template <class Shared>
int alone_of(int calls, cost_model& site, std::size_t n, std::chrono::nanoseconds each,
             const Shared& shared) {
  int alone = 0;
  for (int call = 0; call < calls; ++call) {
    test_clock::pass(997ns);
    if (run_small(site, n, awake, lasting(each)) == n)
      ++alone;
    else
      shared();
  }
  return alone;
}

/// How many of 1,000 calls of 10 microseconds stay on their caller while the workers sleep, the
/// calls `apart` from each other, before one wakes them.
int calls_until_a_wake(std::chrono::nanoseconds apart) {
  cost_model known(1'000);
  for (int call = 0; call < 1'000; ++call) {
    if (run_small(known, 10, asleep, lasting(1us)) == 0)
      return call;
    test_clock::pass(apart);
  }
  return 1'000;
}

} // namespace

TEST_CASE("a call site of unknown cost shares from the start") {
  for (const std::size_t n : {2U, 20U, 2'000U}) {
    cost_model site;
    CHECK(run_small(site, n, asleep, must_not_run) == 0);
  }
}

TEST_CASE("a call worth more than a few wakes shares from the start") {
  cost_model known(1'000);
  CHECK(run_small(known, 200, asleep, must_not_run) == 0);
}

TEST_CASE("a call of three microseconds is shared with workers that are awake") {
  cost_model known(100);
  CHECK(alone_of(1'000, known, 30, 100ns, [] {}) < 200); // those that compare, see below
}

TEST_CASE("a call of three microseconds wakes nobody") {
  cost_model known(100);
  CHECK(run_small(known, 30, asleep, lasting(100ns)) == 30);
}

TEST_CASE("a call known to be small runs whole and in order on its caller") {
  cost_model known(1);
  std::vector<std::size_t> seen;
  const auto cheap = [&](std::size_t begin, std::size_t end) {
    test_clock::pass(1ns * (end - begin));
    for (; begin != end; ++begin)
      seen.push_back(begin);
  };
  CHECK(run_small(known, 500, awake, cheap) == 500);
  CHECK(seen.size() == 500);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(known.estimate() == 1);
}

TEST_CASE(
    "small calls in quick succession wake the workers once they have lost what a wake costs") {
  CHECK(calls_until_a_wake(1us) == 20); // each could have gained half of its ten microseconds
}

TEST_CASE(
    "a call that a wake is a little too long for lets that be forgotten, a small one does not") {
  const workers sleepers{100'000};
  cost_model known(1'000);
  CHECK(run_small(known, 49, sleepers, lasting(1us)) == 49);
  CHECK(sleepers.forgotten == 0);
  CHECK(run_small(known, 51, sleepers, lasting(1us)) == 51);
  CHECK(sleepers.forgotten == 1);
  CHECK(run_small(known, 126, sleepers, must_not_run) == 0);
  CHECK(sleepers.forgotten == 1);
}

TEST_CASE("small calls far apart never wake the workers") {
  CHECK(calls_until_a_wake(1ms) == 1'000);
}

TEST_CASE("a call that was cheap notices dear elements after the first few") {
  // Elements of a nanosecond, says the memory. (Functions of one type share a call site.)
  for (const workers& some : {awake, asleep}) {
    cost_model known(1);
    CHECK(run_small(known, 200, some, lasting(1ms)) == 4 + 4); // the second four are timed
    CHECK(known.estimate() > 100'000);                         // and the next call knows it
  }
}

TEST_CASE("a call that was not that cheap notices dear elements after the first one") {
  cost_model known(100);
  CHECK(run_small(known, 200, asleep, lasting(1ms)) == 1 + 1);
}

TEST_CASE("a call looks at the clock once if the call before has just ended") {
  for (const int each : {1, 50, 90}) {
    cost_model known(each);
    looks_of(1, known, 20, each * 1ns);
    const int looks = looks_of(20'000, known, 20, each * 1ns);
    CHECK(looks > 20'450); // one in 32 looks at its end too
    CHECK(looks < 20'800);
  }
}

TEST_CASE("brief calls look at the clock rarely once they have long been as cheap as remembered") {
  cost_model known(1);
  CHECK(looks_of(200, known, 10) >= 400);
  looks_of(100, known, 10);
  const int looks = looks_of(80'000, known, 10);
  CHECK(looks > 21'400); // 2 in 7,500 of them, 3 in 2,500
  CHECK(looks < 23'600);
}

TEST_CASE("calls of more than a few elements look at the clock however cheap they have been") {
  cost_model known(1);
  looks_of(1'000, known, 17);
  CHECK(looks_of(100, known, 17) >= 100);
}

TEST_CASE("brief calls whose elements become dear are shared after a few dozen calls at most") {
  cost_model known(1);
  looks_of(1'000, known, 10);
  int calls = 0; // on average 8
  while (calls < 300 && run_small(known, 10, awake, lasting(3us)) == 10)
    ++calls;
  CHECK(calls < 300);
}

TEST_CASE("brief calls that each thread makes a few of look at the clock as often as others") {
  cost_model known(1);
  looks_of(1'000, known, 10);
  looks_taken = 0;
  for (int thread = 0; thread < 200; ++thread)
    std::thread([&] {
      for (int call = 0; call < 4; ++call)
        parallel::detail::run_below_cutoff<counting_clock>(known, 10, awake, lasting(1ns));
    }).join();
  CHECK(looks_taken > 50); // 2 in 8 calls
  CHECK(looks_taken < 500);
}

TEST_CASE("few elements that have become worth sharing are shared however cheap they were long") {
  cost_model known(1);
  looks_of(1'000, known, 10);
  while (known.estimate() < 2'000)
    known.learn(30'000, 10);
  CHECK(alone_of(1'000, known, 10, 3us, [] {}) < 100);
}

TEST_CASE("few elements that are not worth sharing are shared at times, four calls each time") {
  const bool calm = GENERATE(true, false);
  cost_model known(1'500);
  for (int call = 0; call < 100; ++call)
    known.learn_sharing(7'000, 7'000, 2);
  CHECK(known.break_even_ns() > 7'000);
  int shared = 0;
  int in_a_row = 0;
  for (int call = 0; call < 20'000; ++call) {
    if (!calm)
      known.note_look(false);
    test_clock::pass(997ns);
    if (run_small(known, 4, awake, lasting(1'500ns)) == 4) {
      CHECK(in_a_row % 4 == 0);
      in_a_row = 0;
    } else {
      ++shared;
      ++in_a_row;
    }
  }
  CHECK(known.is_calm() == calm);
  CHECK(shared > 300); // once in 128 calls
  CHECK(shared < 1'000);
}

TEST_CASE("calls that become too small to share end a comparison") {
  for (const std::size_t n : {2U, 20U}) {
    cost_model known(1'000.0 / static_cast<double>(n));
    CHECK(known.tries_other_way(1));
    looks_of(300, known, n, 10ns);
    CHECK(known.is_settled());
  }
}

TEST_CASE(
    "what sharing costs is forgotten while the workers sleep, slowly where little is to gain") {
  const auto times_forgotten = [](std::chrono::nanoseconds each) {
    cost_model known(static_cast<double>(each.count()));
    int forgotten = 0;
    for (int call = 0; call < 20'000; ++call) {
      for (int i = 0; i < 100 && known.break_even_ns() < 7'600; ++i)
        known.learn_sharing(7'000, 7'000, 2);
      test_clock::pass(1ms);
      run_small(known, 20, asleep, lasting(each));
      forgotten += known.break_even_ns() < 7'600 ? 1 : 0;
    }
    return forgotten;
  };
  const int slowly = times_forgotten(150ns); // calls of three microseconds: once in 1,024
  CHECK(slowly > 0);
  CHECK(slowly < 60);
  const int quickly = times_forgotten(300ns); // of six: once in 128
  CHECK(quickly > 75);
  CHECK(quickly < 250);
}

TEST_CASE("a clock that steps back teaches nothing") {
  cost_model known(1'000);
  for (int call = 0; call < 100; ++call)
    run_small(known, 50, asleep, [](std::size_t, std::size_t) { test_clock::pass(-1us); });
  CHECK(known.estimate() == 1'000);
}

TEST_CASE("a brief call that is found dear has those after it look at the clock again") {
  cost_model known(1);
  looks_of(1'000, known, 10);
  for (int call = 0; call < 500 && known.estimate() < 100; ++call)
    run_small(known, 10, asleep, lasting(3us));
  CHECK(known.estimate() > 100);
  for (int call = 0; call < 100; ++call)
    run_small(known, 10, asleep, lasting(1ns)); // until it is known to be cheap again
  CHECK(looks_of(100, known, 10) >= 200);
}

TEST_CASE("elements that are found far cheaper than known are learnt, short as they are") {
  cost_model known(1'000);
  CHECK(run_small(known, 10, asleep, lasting(1ns)) == 10);
  CHECK(known.estimate() < 600);
}

TEST_CASE("a dear first element is noticed although a small call within it has just ended") {
  cost_model known(1);
  cost_model within(1);
  const auto nested = [&](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin) {
      test_clock::pass(1ms);
      run_small(within, 10, awake, lasting(1ns));
    }
  };
  run_small(known, 10, awake, lasting(1ns));
  CHECK(run_small(known, 100, awake, nested) == 2 + 2);
}

TEST_CASE("a call of two dear elements, thought to be cheap, is learnt") {
  cost_model known(1);
  CHECK(run_small(known, 2, awake, lasting(1ms)) == 2);
  CHECK(known.estimate() > 100'000);
}

TEST_CASE("a long call of the smallest elements notices dear ones after a few") {
  cost_model known(1);
  CHECK(run_small(known, 1'000, awake, lasting(1ms)) == 32);
}

TEST_CASE("a call whose elements become dear midway is left soon after") {
  cost_model known(1);
  run_small(known, 10, awake, lasting(1ns)); // so that the first element is known to be quick
  const auto dear_from_20_on = [](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin)
      test_clock::pass(begin < 20 ? 1ns : 1ms);
  };
  CHECK(run_small(known, 5'000, asleep, dear_from_20_on) == 16 + 32);
}

TEST_CASE(
    "calls whose elements are a little dearer than known stay where they are and are learnt") {
  cost_model known(100);
  for (int call = 0; call < 200; ++call) {
    test_clock::pass(1ms);
    CHECK(run_small(known, 15, asleep, lasting(300ns)) == 15);
  }
  CHECK(known.estimate() > 290);
}

TEST_CASE("calls in quick succession whose elements are a little dearer than known are learnt") {
  cost_model known(10);
  for (int call = 0; call < 2'000 && known.estimate() < 29; ++call)
    run_small(known, 20, asleep, lasting(30ns));
  CHECK(known.estimate() >= 29);
}

TEST_CASE("what a call beside workers that are awake takes is learnt unless it is a little more") {
  const auto learnt_from = [&](const workers& some, std::chrono::nanoseconds each) {
    cost_model site(100);
    for (int call = 0; call < 50; ++call) {
      test_clock::pass(1ms);
      run_small(site, 17, some, lasting(each));
    }
    return site.estimate();
  };
  CHECK(learnt_from(awake, 110ns) == 100);
  CHECK(learnt_from(asleep, 110ns) > 105);
  CHECK(learnt_from(awake, 90ns) < 95);
  CHECK(learnt_from(awake, 250ns) > 150);
}

TEST_CASE("a tail that has become dear is found within a few dozen calls") {
  cost_model known(1);
  const auto dear_tail = [](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin)
      test_clock::pass(begin < 97 ? 1ns : 1ms);
  };
  int calls = 0;
  while (calls < 500 && run_small(known, 100, awake, dear_tail) == 100)
    ++calls;
  CHECK(calls < 500);
  CHECK(known.estimate() > 10'000);
}

TEST_CASE("a call site at which sharing costs more than it gains stops, and tries again at times") {
  cost_model known(100);
  const int shared = 20'000 - alone_of(20'000, known, 40, 100ns, [&] {
                       known.learn_sharing(6'000, 4'000, 2); // instead of four microseconds
                     });
  CHECK(shared > 300); // four calls once in 128
  CHECK(shared < 1'000);
}

TEST_CASE("a call site at which sharing pays runs alone at times, to compare") {
  cost_model known(100);
  const int alone =
      alone_of(20'000, known, 40, 100ns, [&] { known.learn_sharing(2'300, 4'000, 2); });
  CHECK(alone > 300); // likewise
  CHECK(alone < 1'000);
}

TEST_CASE("the first calls of a trial, which fetch what other threads had, are not learnt") {
  cost_model known(100);
  int in_a_row = 0;
  int learnt = 0;
  for (int call = 0; call < 20'000; ++call) {
    test_clock::pass(997ns);
    const auto each = in_a_row % 4 == 3 ? 100ns : 250ns;
    if (run_small(known, 40, awake, lasting(each)) == 40)
      learnt += ++in_a_row % 4 == 0 ? 1 : 0;
    CHECK(known.estimate() == 100);
  }
  CHECK(learnt > 50);
}

TEST_CASE("calls of some fifty microseconds run alone at times too, but rarely") {
  cost_model known(500);
  const int alone = alone_of(100'000, known, 100, 500ns, [] {});
  CHECK(alone > 150); // four calls once in 1,024
  CHECK(alone < 700);
}

TEST_CASE("a call whose body ends it is left at once and teaches nothing") {
  for (const std::size_t n : {2U, 10U, 20U, 500U, 5'000U}) {
    for (const double each : {0.25, 1.0, 30.0}) {
      for (int ends_at = 1; ends_at <= 3; ++ends_at) {
        cost_model known(each);
        int calls = 0;
        const auto ends = [&](std::size_t, std::size_t) {
          test_clock::pass(1ms);
          return ++calls < ends_at;
        };
        test_clock::pass(1ms);
        const std::size_t done = run_small(known, n, asleep, ends);
        CHECK(calls <= ends_at);
        if (calls == ends_at) {
          CHECK(done == n);
          CHECK(known.estimate() == each);
        }
      }
    }
  }
}
