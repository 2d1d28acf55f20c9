// What a call site remembers, and for how long.
#include "catch.hpp"
#include "test_clock.hpp"

#include <parallel/detail/loop/cost_model.hpp>

#include <chrono>

using namespace std::chrono_literals;
using parallel::detail::cost_model;
using test::test_clock;

TEST_CASE("sharing pays from two microseconds on, or from where two threads gain a twentieth") {
  cost_model model;
  CHECK(model.break_even_ns() == 2'000);
  for (int call = 0; call < 100; ++call)
    model.learn_sharing_cost(5'000, 6'000, 2);
  CHECK(model.break_even_ns() > 4'399); // half of the work is 3,000, so sharing costs 2,000
  CHECK(model.break_even_ns() < 4'401);
  for (int call = 0; call < 100; ++call)
    model.learn_sharing_cost(3'300, 6'000, 2);
  CHECK(model.break_even_ns() == 2'000);
}

TEST_CASE("one stalled call hardly changes the sharing cost") {
  cost_model model;
  model.learn_sharing_cost(50'000'000, 6'000, 2);
  CHECK(model.break_even_ns() == 2'000);
}

TEST_CASE(
    "a short sample from a shared call is learnt only if it is less than expected, or much more") {
  cost_model model(100);
  model.learn_shared(1'500, 10);
  CHECK(model.shared_estimate() == 100);
  model.learn_shared(15'000, 100);
  CHECK(model.shared_estimate() == 112.5);
  model.learn_shared(5'125, 10);
  CHECK(model.shared_estimate() == 312.5);
  model.learn_shared(2'125, 10);
  CHECK(model.shared_estimate() == 262.5);
}

TEST_CASE("the cost of elements in a shared call does not change their cost alone") {
  cost_model model(100);
  for (int call = 0; call < 100; ++call)
    model.learn_shared(70'000, 100);
  CHECK(model.shared_estimate() > 650);
  CHECK(model.estimate() == 100);
}

TEST_CASE("elements that cost more than sharing can explain correct their cost alone") {
  cost_model model(100);
  model.learn_shared(1'000'000, 10);
  CHECK(model.estimate() > 50'000);
}

TEST_CASE("elements that are cheaper although they are shared correct their cost alone") {
  cost_model model(100);
  model.learn_shared(500, 10);
  CHECK(model.estimate() == 75);
}

TEST_CASE("one stalled sample is mostly forgotten after the next one") {
  cost_model model(100);
  model.learn(50'000'000, 10);
  model.learn(1'000, 10);
  CHECK(model.estimate() == 200);
  model.learn_shared(50'000'000, 10);
  model.learn_shared(1'000, 10);
  CHECK(model.estimate() <= 200);
}

TEST_CASE("a comparison takes four calls, of which the last one is learnt") {
  cost_model model;
  int learnt = 0;
  for (int call = 0; call < 4; ++call) {
    CHECK(model.take_comparison_run(1)); // one in one: always
    learnt += model.is_settled() ? 1 : 0;
  }
  CHECK(learnt == 1);
  CHECK(model.is_settled());
}

TEST_CASE(
    "while workers are awake a sample is learnt only if it is less than known, or twice that") {
  cost_model model(100);
  model.learn_while_workers_awake(1'900, 10);
  CHECK(model.estimate() == 100);
  model.learn_while_workers_awake(800, 10);
  CHECK(model.estimate() == 90);
  model.learn_while_workers_awake(2'700, 10);
  CHECK(model.estimate() == 180);
}

TEST_CASE("a call site is stable after 256 cheap clock readings in a row") {
  cost_model model(1);
  const auto read = [&](int times) {
    for (int i = 0; i < times; ++i)
      model.note_reading(true);
    return model.is_stable();
  };
  CHECK_FALSE(read(255));
  model.note_reading(false);
  CHECK_FALSE(read(255));
  CHECK(read(1));
  CHECK(read(1));
}

TEST_CASE("a call site averages what it measures") {
  cost_model model;
  CHECK(model.estimate() == 0);
  model.learn(1'000, 10);
  CHECK(model.estimate() == 100);
  model.learn(3'000, 10);
  CHECK(model.estimate() == 200);
  model.learn(5, 0); // no element: nothing to learn
  CHECK(model.estimate() == 200);
}

TEST_CASE("calls wake one more worker when together they have lost what a wake costs") {
  cost_model model;
  int calls = 1;
  while (!model.should_wake<test_clock>(10'000, 4'000, 50'000)) {
    test_clock::pass(10us);
    ++calls;
  }
  CHECK(calls == 13);
  CHECK_FALSE(model.should_wake<test_clock>(10'000, 4'000, 50'000)); // from the beginning
}
