// Which calls stay on their caller, when they read the clock, and what is learnt from them. Time
// stands still here unless a test moves it.
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
  double wake_takes_ns;
  mutable int forgotten = 0;

  [[nodiscard]] double wake_ns() const { return wake_takes_ns; }
  void forget_wake() const { ++forgotten; }
};
const workers awake{0};
const workers asleep{100'000};

template <class Body>
std::size_t run_small(cost_model& model, std::size_t n, const workers& some, const Body& body) {
  return parallel::detail::run_below_cutoff<test_clock>(model, n, some, body);
}

const auto must_not_run = [](std::size_t, std::size_t) { FAIL("the body ran"); };

/// A body whose elements take `time` each.
auto lasting(std::chrono::nanoseconds time) {
  return [=](std::size_t begin, std::size_t end) { test_clock::pass(time * (end - begin)); };
}

int clock_readings = 0;

struct counting_clock : test_clock {
  static std::uint64_t now() {
    ++clock_readings;
    return test_clock::now();
  }
};

/// How many clock readings `calls` calls take.
int readings_of(int calls, cost_model& model, std::size_t n, std::chrono::nanoseconds each = 1ns) {
  clock_readings = 0;
  for (int call = 0; call < calls; ++call)
    CHECK(parallel::detail::run_below_cutoff<counting_clock>(model, n, awake, lasting(each)) == n);
  return clock_readings;
}

/// How many of `calls` calls, a microsecond apart, stay on their caller; shared() is called for the
/// others.
template <class Shared>
int alone_of(int calls, cost_model& model, std::size_t n, std::chrono::nanoseconds each,
             const Shared& shared) {
  int alone = 0;
  for (int call = 0; call < calls; ++call) {
    test_clock::pass(997ns);
    if (run_small(model, n, awake, lasting(each)) == n)
      ++alone;
    else
      shared();
  }
  return alone;
}

/// How many of 1,000 calls of 10 microseconds, `apart` from each other, stay on their caller while
/// the workers sleep, before one of them wakes a worker.
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
    cost_model model;
    CHECK(run_small(model, n, asleep, must_not_run) == 0);
  }
}

TEST_CASE("a call much longer than a wake is shared from the start") {
  cost_model known(1'000);
  CHECK(run_small(known, 200, asleep, must_not_run) == 0);
}

TEST_CASE("a call of three microseconds is shared with workers that are awake") {
  cost_model known(100);
  CHECK(alone_of(1'000, known, 30, 100ns, [] {}) < 200); // those that compare, see below
}

TEST_CASE("a call of three microseconds wakes no worker") {
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

TEST_CASE("short calls in quick succession wake a worker once they have lost what a wake costs") {
  CHECK(calls_until_a_wake(1us) == 20); // each could have gained half of its ten microseconds
}

TEST_CASE(
    "a call a little too short for a wake makes the wake time fade, a much shorter one does not") {
  const workers sleepers{100'000};
  cost_model known(1'000);
  CHECK(run_small(known, 49, sleepers, lasting(1us)) == 49);
  CHECK(sleepers.forgotten == 0);
  CHECK(run_small(known, 51, sleepers, lasting(1us)) == 51);
  CHECK(sleepers.forgotten == 1);
  CHECK(run_small(known, 126, sleepers, must_not_run) == 0);
  CHECK(sleepers.forgotten == 1);
}

TEST_CASE("short calls far apart never wake a worker") {
  CHECK(calls_until_a_wake(1ms) == 1'000);
}

TEST_CASE("a call that was cheap notices expensive elements after the first few") {
  // Elements of a nanosecond, says the memory. (Functions of one type share a call site.)
  for (const workers& some : {awake, asleep}) {
    cost_model known(1);
    CHECK(run_small(known, 200, some, lasting(1ms)) == 4 + 4); // the second four are timed
    CHECK(known.estimate() > 100'000);                         // and the next call knows it
  }
}

TEST_CASE("a call that was less cheap notices expensive elements after the first one") {
  cost_model known(100);
  CHECK(run_small(known, 200, asleep, lasting(1ms)) == 1 + 1);
}

TEST_CASE("a call reads the clock once if the call before has just ended") {
  for (const int each : {1, 50, 90}) {
    cost_model known(each);
    readings_of(1, known, 20, each * 1ns);
    const int readings = readings_of(20'000, known, 20, each * 1ns);
    CHECK(readings > 20'450); // one in 32 reads it at its end too
    CHECK(readings < 20'800);
  }
}

TEST_CASE(
    "calls of few elements rarely read the clock once they have long been as cheap as remembered") {
  cost_model known(1);
  CHECK(readings_of(200, known, 10) >= 400);
  readings_of(100, known, 10);
  const int readings = readings_of(80'000, known, 10);
  CHECK(readings > 21'400); // 2 in 7,500 of them, 3 in 2,500
  CHECK(readings < 23'600);
}

TEST_CASE("calls of more than a few elements read the clock however cheap they have been") {
  cost_model known(1);
  readings_of(1'000, known, 17);
  CHECK(readings_of(100, known, 17) >= 100);
}

TEST_CASE("few elements that become expensive are shared after a few dozen calls at most") {
  cost_model known(1);
  readings_of(1'000, known, 10);
  int calls = 0; // on average 8
  while (calls < 300 && run_small(known, 10, awake, lasting(3us)) == 10)
    ++calls;
  CHECK(calls < 300);
}

TEST_CASE("calls of few elements read the clock as often in threads that make only a few calls") {
  cost_model known(1);
  readings_of(1'000, known, 10);
  clock_readings = 0;
  for (int thread = 0; thread < 200; ++thread)
    std::thread([&] {
      for (int call = 0; call < 4; ++call)
        parallel::detail::run_below_cutoff<counting_clock>(known, 10, awake, lasting(1ns));
    }).join();
  CHECK(clock_readings > 50); // 2 in 8 calls
  CHECK(clock_readings < 500);
}

TEST_CASE("few elements that have become worth sharing are shared however long they were cheap") {
  cost_model known(1);
  readings_of(1'000, known, 10);
  while (known.estimate() < 2'000)
    known.learn(30'000, 10);
  CHECK(alone_of(1'000, known, 10, 3us, [] {}) < 100);
}

TEST_CASE(
    "few elements that are not worth sharing are shared at times, in comparisons of four calls") {
  const bool stable = GENERATE(true, false);
  cost_model known(1'500);
  for (int call = 0; call < 100; ++call)
    known.learn_sharing_cost(7'000, 7'000, 2);
  CHECK(known.break_even_ns() > 7'000);
  int shared = 0;
  int in_a_row = 0;
  for (int call = 0; call < 20'000; ++call) {
    if (!stable)
      known.note_reading(false);
    test_clock::pass(997ns);
    if (run_small(known, 4, awake, lasting(1'500ns)) == 4) {
      CHECK(in_a_row % 4 == 0);
      in_a_row = 0;
    } else {
      ++shared;
      ++in_a_row;
    }
  }
  CHECK(known.is_stable() == stable);
  CHECK(shared > 300); // once in 128 calls
  CHECK(shared < 1'000);
}

TEST_CASE("calls that become too small to share end a comparison") {
  for (const std::size_t n : {2U, 20U}) {
    cost_model known(1'000.0 / static_cast<double>(n));
    CHECK(known.take_comparison_run(1));
    readings_of(300, known, n, 10ns);
    CHECK(known.is_settled());
  }
}

TEST_CASE("the sharing cost fades while the workers sleep, slowly where little is to gain") {
  const auto times_forgotten = [](std::chrono::nanoseconds each) {
    cost_model known(static_cast<double>(each.count()));
    int forgotten = 0;
    for (int call = 0; call < 20'000; ++call) {
      for (int i = 0; i < 100 && known.break_even_ns() < 7'600; ++i)
        known.learn_sharing_cost(7'000, 7'000, 2);
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

TEST_CASE("a clock that steps back changes no estimate") {
  cost_model known(1'000);
  for (int call = 0; call < 100; ++call)
    run_small(known, 50, asleep, [](std::size_t, std::size_t) { test_clock::pass(-1us); });
  CHECK(known.estimate() == 1'000);
}

TEST_CASE("calls of few elements read the clock again after one was found expensive") {
  cost_model known(1);
  readings_of(1'000, known, 10);
  for (int call = 0; call < 500 && known.estimate() < 100; ++call)
    run_small(known, 10, asleep, lasting(3us));
  CHECK(known.estimate() > 100);
  for (int call = 0; call < 100; ++call)
    run_small(known, 10, asleep, lasting(1ns)); // until it is known to be cheap again
  CHECK(readings_of(100, known, 10) >= 200);
}

TEST_CASE("elements that are far cheaper than remembered are learnt even from a short sample") {
  cost_model known(1'000);
  CHECK(run_small(known, 10, asleep, lasting(1ns)) == 10);
  CHECK(known.estimate() < 600);
}

TEST_CASE("an expensive first element is noticed although a short nested call has just ended") {
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

TEST_CASE("a call of two expensive elements, remembered as cheap, is learnt") {
  cost_model known(1);
  CHECK(run_small(known, 2, awake, lasting(1ms)) == 2);
  CHECK(known.estimate() > 100'000);
}

TEST_CASE("a long call of the cheapest elements notices expensive ones after a few") {
  cost_model known(1);
  CHECK(run_small(known, 1'000, awake, lasting(1ms)) == 32);
}

TEST_CASE("a call whose elements become expensive midway leaves its rest to be shared soon after") {
  cost_model known(1);
  run_small(known, 10, awake, lasting(1ns)); // so that the first element is known to be quick
  const auto expensive_from_20_on = [](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin)
      test_clock::pass(begin < 20 ? 1ns : 1ms);
  };
  CHECK(run_small(known, 5'000, asleep, expensive_from_20_on) == 16 + 32);
}

TEST_CASE(
    "calls whose elements cost a little more than remembered stay on their caller and are learnt") {
  cost_model known(100);
  for (int call = 0; call < 200; ++call) {
    test_clock::pass(1ms);
    CHECK(run_small(known, 15, asleep, lasting(300ns)) == 15);
  }
  CHECK(known.estimate() > 290);
}

TEST_CASE(
    "calls in quick succession whose elements cost a little more than remembered are learnt") {
  cost_model known(10);
  for (int call = 0; call < 2'000 && known.estimate() < 29; ++call)
    run_small(known, 20, asleep, lasting(30ns));
  CHECK(known.estimate() >= 29);
}

TEST_CASE("while workers are awake a call's cost is learnt unless it is a little more than known") {
  const auto learnt_from = [&](const workers& some, std::chrono::nanoseconds each) {
    cost_model model(100);
    for (int call = 0; call < 50; ++call) {
      test_clock::pass(1ms);
      run_small(model, 17, some, lasting(each));
    }
    return model.estimate();
  };
  CHECK(learnt_from(awake, 110ns) == 100);
  CHECK(learnt_from(asleep, 110ns) > 105);
  CHECK(learnt_from(awake, 90ns) < 95);
  CHECK(learnt_from(awake, 250ns) > 150);
}

TEST_CASE("elements at the end that have become expensive are found within a few dozen calls") {
  cost_model known(1);
  const auto expensive_tail = [](std::size_t begin, std::size_t end) {
    for (; begin != end; ++begin)
      test_clock::pass(begin < 97 ? 1ns : 1ms);
  };
  int calls = 0;
  while (calls < 500 && run_small(known, 100, awake, expensive_tail) == 100)
    ++calls;
  CHECK(calls < 500);
  CHECK(known.estimate() > 10'000);
}

TEST_CASE(
    "a call site at which sharing costs more than it gains stops it, and tries again at times") {
  cost_model known(100);
  const int shared = 20'000 - alone_of(20'000, known, 40, 100ns, [&] {
                       known.learn_sharing_cost(6'000, 4'000, 2); // instead of four microseconds
                     });
  CHECK(shared > 300); // four calls once in 128
  CHECK(shared < 1'000);
}

TEST_CASE("a call site at which sharing pays makes comparison runs alone at times") {
  cost_model known(100);
  const int alone =
      alone_of(20'000, known, 40, 100ns, [&] { known.learn_sharing_cost(2'300, 4'000, 2); });
  CHECK(alone > 300); // four calls once in 128
  CHECK(alone < 1'000);
}

TEST_CASE("the first calls of a comparison, which fetch what other threads had, are not learnt") {
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

TEST_CASE("calls of some fifty microseconds make comparison runs alone at times too, but rarely") {
  cost_model known(500);
  const int alone = alone_of(100'000, known, 100, 500ns, [] {});
  CHECK(alone > 150); // four calls once in 1,024
  CHECK(alone < 700);
}

TEST_CASE("a call whose body ends it returns at once and changes no estimate") {
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
