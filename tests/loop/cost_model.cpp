// What a call site remembers, and for how long.
#include "catch.hpp"
#include "test_clock.hpp"

#include <parallel/detail/loop/cost_model.hpp>

#include <chrono>

using namespace std::chrono_literals;
using parallel::detail::cost_model;
using test::test_clock;

TEST_CASE("sharing pays from two microseconds on, or from where two threads gain a twentieth") {
  cost_model site;
  CHECK(site.break_even_ns() == 2'000);
  for (int call = 0; call < 100; ++call)
    site.learn_sharing(5'000, 6'000, 2);
  CHECK(site.break_even_ns() > 4'399); // half of the work is 3,000, so sharing costs 2,000
  CHECK(site.break_even_ns() < 4'401);
  for (int call = 0; call < 100; ++call)
    site.learn_sharing(3'300, 6'000, 2);
  CHECK(site.break_even_ns() == 2'000);
}

TEST_CASE("one stalled call says little about what sharing costs") {
  cost_model site;
  site.learn_sharing(50'000'000, 6'000, 2);
  CHECK(site.break_even_ns() == 2'000);
}

TEST_CASE("a short measurement within a shared call counts only if it is less, or much more") {
  cost_model site(100);
  site.learn_shared(1'500, 10);
  CHECK(site.shared_estimate() == 100);
  site.learn_shared(15'000, 100);
  CHECK(site.shared_estimate() == 112.5);
  site.learn_shared(5'125, 10);
  CHECK(site.shared_estimate() == 312.5);
  site.learn_shared(2'125, 10);
  CHECK(site.shared_estimate() == 262.5);
}

TEST_CASE("what elements cost in a shared call says nothing of what they cost alone") {
  cost_model site(100);
  for (int call = 0; call < 100; ++call)
    site.learn_shared(70'000, 100);
  CHECK(site.shared_estimate() > 650);
  CHECK(site.estimate() == 100);
}

TEST_CASE("elements that sharing cannot have made so dear are dearer than remembered") {
  cost_model site(100);
  site.learn_shared(1'000'000, 10);
  CHECK(site.estimate() > 50'000);
}

TEST_CASE("elements that are cheaper although they are shared are cheaper than remembered") {
  cost_model site(100);
  site.learn_shared(500, 10);
  CHECK(site.estimate() == 75);
}

TEST_CASE("one stalled measurement is all but forgotten after the next") {
  cost_model site(100);
  site.learn(50'000'000, 10);
  site.learn(1'000, 10);
  CHECK(site.estimate() == 200);
  site.learn_shared(50'000'000, 10);
  site.learn_shared(1'000, 10);
  CHECK(site.estimate() <= 200);
}

TEST_CASE("the other way is tried for four calls, of which the last one is learnt") {
  cost_model site;
  int learnt = 0;
  for (int call = 0; call < 4; ++call) {
    CHECK(site.tries_other_way(1)); // one in one: always
    learnt += site.is_settled() ? 1 : 0;
  }
  CHECK(learnt == 1);
  CHECK(site.is_settled());
}

TEST_CASE("of what is measured beside workers only less, or twice as much, is learnt") {
  cost_model site(100);
  site.learn_beside(1'900, 10);
  CHECK(site.estimate() == 100);
  site.learn_beside(800, 10);
  CHECK(site.estimate() == 90);
  site.learn_beside(2'700, 10);
  CHECK(site.estimate() == 180);
}

TEST_CASE("a call site is calm after two hundred and fifty-six cheap looks in a row") {
  cost_model site(1);
  const auto look = [&](int times) {
    for (int i = 0; i < times; ++i)
      site.note_look(true);
    return site.is_calm();
  };
  CHECK_FALSE(look(255));
  site.note_look(false);
  CHECK_FALSE(look(255));
  CHECK(look(1));
  CHECK(look(1));
}

TEST_CASE("a call site blends what it measures") {
  cost_model site;
  CHECK(site.estimate() == 0);
  site.learn(1'000, 10);
  CHECK(site.estimate() == 100);
  site.learn(3'000, 10);
  CHECK(site.estimate() == 200);
  site.learn(5, 0); // no element: nothing to learn
  CHECK(site.estimate() == 200);
}

TEST_CASE("calls wake one more worker when together they have lost what that costs") {
  cost_model site;
  int calls = 1;
  while (!site.worth_a_wake<test_clock>(10'000, 4'000, 50'000)) {
    test_clock::pass(10us);
    ++calls;
  }
  CHECK(calls == 13);
  CHECK_FALSE(site.worth_a_wake<test_clock>(10'000, 4'000, 50'000)); // from the beginning
}
