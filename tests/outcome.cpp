// What try_map and outcome promise: the outcome of each element, however the others end.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/serial.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using parallel::outcome;
using test::numbers;
using test::token;

namespace {

int odd_only(int x) {
  if (x % 2 == 0)
    throw std::domain_error(std::to_string(x));
  return 10 * x;
}

} // namespace

TEMPLATE_TEST_CASE("try_map keeps every value and every exception", "", parallel::thread_pool,
                   parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  const auto tried = parallel::try_map(executor, numbers(1'000), odd_only);
  REQUIRE(tried.size() == 1'000);
  for (int x = 0; x < 1'000; ++x) {
    const auto& each = tried[static_cast<std::size_t>(x)];
    REQUIRE(each.has_run());
    REQUIRE(each.has_value() == (x % 2 == 1));
    if (each) {
      REQUIRE(*each == 10 * x);
      REQUIRE(each.error() == nullptr);
    } else {
      std::string message;
      try {
        static_cast<void>(each.value());
      } catch (const std::domain_error& error) {
        message = error.what();
      }
      REQUIRE(message == std::to_string(x));
      REQUIRE(each.value_or(-1) == -1);
    }
  }
}

TEMPLATE_TEST_CASE("try_map tells which elements were not run, and why", "", parallel::thread_pool,
                   parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  std::atomic<bool> requested{false};
  const auto tried = parallel::try_map(executor, numbers(10'000),
                                       [&](int x) {
                                         if (x == 20)
                                           requested = true;
                                         return x;
                                       },
                                       {.stop = token{&requested}});
  REQUIRE(tried.size() == 10'000);
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < tried.size(); ++i) {
    if (tried[i].has_run()) {
      REQUIRE(*tried[i] == static_cast<int>(i));
      continue;
    }
    ++left_out;
    REQUIRE_FALSE(tried[i]);
    REQUIRE_THROWS_AS(static_cast<void>(tried[i].value()), parallel::stopped);
  }
  CHECK(left_out > 0);
  CHECK(tried[20].has_run());
}

TEST_CASE("try_map returns the results that were finished when its deadline passed") {
  const auto tried = parallel::try_map(numbers(10), [](int x) { return x; },
                                       {.deadline = std::chrono::seconds(0)});
  REQUIRE(tried.size() == 10);
  for (const auto& each : tried) {
    CHECK_FALSE(each.has_run());
    CHECK_THROWS_AS(static_cast<void>(each.value()), parallel::deadline_exceeded);
  }
}

TEST_CASE("an exception of the library's own that an element throws is the element's") {
  const auto tried = parallel::try_map(numbers(3), [](int x) {
    if (x == 1)
      throw parallel::stopped();
    return x;
  });
  CHECK(tried[0].has_value());
  CHECK(tried[1].has_run());
  CHECK_FALSE(tried[1].has_value());
  CHECK(tried[2].has_value());
}

TEMPLATE_TEST_CASE("try_map throws the exception of its progress hook, whatever its type", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  const auto failing = [&](auto error) {
    return parallel::try_map(executor, numbers(1'000), [](int x) { return x; },
                             {.progress = [error](const parallel::progress&) { throw error; }});
  };
  CHECK_THROWS_AS(failing(std::domain_error("hook")), std::domain_error);
  CHECK_THROWS_AS(failing(parallel::stopped()), parallel::stopped);
  CHECK_THROWS_AS(failing(parallel::shut_down()), parallel::shut_down);

  // Even if the options end the call as well.
  CHECK_THROWS_AS(
      parallel::try_map(executor, numbers(1'000), [](int x) { return x; },
                        {.deadline = std::chrono::seconds(0),
                         .progress = [](const parallel::progress&) { throw parallel::stopped(); }}),
      parallel::stopped);
}

TEMPLATE_TEST_CASE("try_map reports the same progress as map", "", parallel::thread_pool,
                   parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  parallel::progress last;
  int lasts = 0;
  const auto hook = [&](const parallel::progress& now) {
    last = now;
    lasts += now.last ? 1 : 0;
  };
  const auto tried = parallel::try_map(executor, numbers(1'000), odd_only, {.progress = hook});
  CHECK(tried.size() == 1'000);
  CHECK(last.done == 1'000);
  CHECK(last.total == 1'000);
  CHECK(lasts == 1);
}

TEST_CASE("try_map takes functions that return nothing") {
  const auto tried = parallel::try_map(numbers(4), [](int x) {
    if (x == 2)
      throw x;
  });
  CHECK(tried[1].has_value());
  CHECK_NOTHROW(tried[1].value());
  CHECK_FALSE(tried[2]);
  CHECK_THROWS_AS(tried[2].value(), int);
  CHECK(outcome<void>(std::in_place).has_value());
  CHECK_FALSE(outcome<void>().has_value());
  CHECK_THROWS_AS(outcome<void>().value(), parallel::stopped);
}

TEST_CASE("try_map takes two ranges, and results of every kind") {
  const auto sums = parallel::try_map(numbers(5), numbers(3), [](int x, int y) { return x + y; });
  REQUIRE(sums.size() == 3);
  CHECK(*sums[2] == 4);
  const auto flags = parallel::try_map(numbers(100), [](int x) { return x % 3 == 0; });
  CHECK(*flags[99]);
  CHECK_FALSE(*flags[98]);
  auto owned = parallel::try_map(numbers(100), [](int x) { return std::make_unique<int>(x); });
  const std::unique_ptr<int> last = std::move(owned[99]).value();
  CHECK(*last == 99);
  const auto counted = parallel::try_map(numbers(100), [](int x) { return test::counted(x); });
  CHECK(counted[7]->value() == 7);
}

TEST_CASE("try_map takes results that cannot be assigned") {
  const auto made = parallel::try_map(numbers(10), [](int x) { return [x] { return x; }; });
  CHECK((*made[7])() == 7);
}

TEST_CASE("try_map destroys each of its results once") {
  {
    const auto tried = parallel::try_map(numbers(500), [](int x) {
      if (x % 7 == 0)
        throw x;
      return test::counted(x);
    });
    CHECK(test::counted::alive == 500 - 72);
  }
  CHECK(test::counted::alive == 0);
}

TEST_CASE("an outcome offers what std::expected does") {
  outcome<std::string> text(std::in_place, 3U, 'a');
  CHECK(text.has_value());
  CHECK(*text == "aaa");
  CHECK(text->size() == 3);
  CHECK(text.value_or("y") == "aaa");
  text.value() += "x";
  CHECK(std::move(text).value() == "aaax");
  const auto failed = outcome<std::string>::failed(std::make_exception_ptr(5));
  CHECK(failed.has_run());
  CHECK(failed.error() != nullptr);
  CHECK(failed.value_or("y") == "y");
  CHECK_THROWS_AS(static_cast<void>(failed.value()), int);
  CHECK_FALSE(outcome<int>().has_run());
  CHECK_THROWS_AS(static_cast<void>(outcome<int>().value()), parallel::stopped);
}

TEST_CASE("outcomes are transformed and chained as those of std::expected are") {
  const outcome<int> four(std::in_place, 4);
  const auto failed = outcome<int>::failed(std::make_exception_ptr(5));
  const auto not_run = outcome<int>::not_run(std::make_exception_ptr(parallel::stopped()));
  const auto text = [](int x) { return std::to_string(x); };
  CHECK(four.transform(text).value() == "4");
  CHECK(failed.transform(text).has_run());
  CHECK_THROWS_AS(static_cast<void>(failed.transform(text).value()), int);
  CHECK_FALSE(not_run.transform(text).has_run());
  CHECK_THROWS_AS(static_cast<void>(not_run.transform(text).value()), parallel::stopped);
  CHECK(four.transform([](int) {}).has_value());

  const auto half = [](int x) {
    return x % 2 == 0 ? outcome<int>(std::in_place, x / 2)
                      : outcome<int>::failed(std::make_exception_ptr(std::string("odd")));
  };
  CHECK(*four.and_then(half).and_then(half) == 1);
  CHECK_THROWS_AS(static_cast<void>(four.and_then(half).and_then(half).and_then(half).value()),
                  std::string);
  CHECK_THROWS_AS(static_cast<void>(failed.and_then(half).value()), int);

  const auto zero = [](const std::exception_ptr&) { return outcome<int>(std::in_place, 0); };
  CHECK(*four.or_else(zero) == 4);
  CHECK(*failed.or_else(zero) == 0);

  outcome<std::unique_ptr<int>> owned(std::in_place, std::make_unique<int>(7));
  CHECK(*std::move(owned).transform([](std::unique_ptr<int> x) { return *x + 1; }) == 8);

  struct point {
    int x;
  };
  outcome<point> somewhere(std::in_place, point{3});
  CHECK(*somewhere.transform(&point::x) == 3);
  CHECK(somewhere.transform([](point& p) { p.x = 5; }).has_value());
  CHECK(somewhere->x == 5);
  CHECK(*four.transform([calls = 0](int x) mutable { return x + ++calls; }) == 5);

  const outcome<void> done(std::in_place);
  CHECK(*done.transform([] { return 3; }) == 3);
  CHECK(*done.and_then([&] { return four; }) == 4);
  CHECK_FALSE(outcome<void>().or_else([](const auto&) { return outcome<void>(); }).has_value());
}

TEST_CASE("an outcome<void> is made in the same ways") {
  const auto failed = outcome<void>::failed(std::make_exception_ptr(5));
  CHECK(failed.has_run());
  CHECK_FALSE(failed.has_value());
  CHECK_THROWS_AS(failed.value(), int);
  const auto left_out = outcome<void>::not_run(std::make_exception_ptr(parallel::stopped()));
  CHECK_FALSE(left_out.has_run());
  CHECK_THROWS_AS(left_out.value(), parallel::stopped);
  outcome<void> set;
  set.emplace();
  CHECK(set.has_value());
  set.set_not_run(std::make_exception_ptr(parallel::stopped()));
  CHECK_FALSE(set.has_run());
  set.set_failed(std::make_exception_ptr(5));
  CHECK_THROWS_AS(set.value(), int);
}
