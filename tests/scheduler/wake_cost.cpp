// The estimate of what a wake costs: it follows the measurements slowly, and fades without them.
#include "catch.hpp"

#include <parallel/detail/scheduler/wake_cost.hpp>

using parallel::detail::wake_cost;

namespace {

constexpr double sleeper_ns = 50'000; // to begin with
constexpr double waker_ns = 10'000;

} // namespace

TEST_CASE("the time until a worker is awake is forgotten slowly, that of its waker is not") {
  wake_cost cost;
  for (int wake = 0; wake < 100; ++wake)
    cost.forget();
  CHECK(cost.ns() > 40'000);
  CHECK(cost.ns() < 50'000);
  for (int wake = 0; wake < 10'000; ++wake)
    cost.forget();
  CHECK(cost.ns() >= waker_ns);
  CHECK(cost.ns() < waker_ns + 1);
}

TEST_CASE("one wake that took long changes its estimate little, many change it") {
  wake_cost cost;
  cost.learn_waker(200'000);
  CHECK(cost.ns() > sleeper_ns + waker_ns);
  CHECK(cost.ns() < (sleeper_ns + waker_ns) * 1.05);
  for (int wake = 0; wake < 100; ++wake)
    cost.learn_waker(200'000);
  CHECK(cost.ns() == Approx(sleeper_ns + 200'000).epsilon(0.01));
  for (int wake = 0; wake < 100; ++wake)
    cost.learn_waker(1'000);
  CHECK(cost.ns() == Approx(sleeper_ns + 1'000).epsilon(0.01));
}

TEST_CASE("an estimate recovers from wakes that took no time at all") {
  wake_cost cost;
  for (int wake = 0; wake < 10'000; ++wake)
    cost.learn_waker(0);
  for (int wake = 0; wake < 100; ++wake)
    cost.learn_waker(200'000);
  CHECK(cost.ns() == Approx(sleeper_ns + 200'000).epsilon(0.01));
}

TEST_CASE("how long a worker took to wake is learnt, too") {
  wake_cost cost;
  for (int wake = 0; wake < 100; ++wake)
    cost.learn_sleeper(20'000);
  CHECK(cost.ns() == Approx(20'000 + waker_ns).epsilon(0.01));
}
