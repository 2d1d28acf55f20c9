// map_reduce: one answer, whatever the number of threads.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/io_pool.hpp>
#include <parallel/map_reduce.hpp>
#include <parallel/random.hpp>
#include <parallel/serial.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using test::numbers;
using test::same;

namespace {} // namespace

TEST_CASE("map_reduce gives the same floating-point sum for any number of threads") {
  for (const std::size_t n : {1U, 2U, 511U, 512U, 513U, 10'000U, 100'003U}) {
    const auto sum = [&](auto& executor) {
      return parallel::map_reduce(
          executor, numbers(n), [](int x) { return std::sin(x) * 1e9; }, 0.1, std::plus<>());
    };
    const double expected = sum(parallel::serial);
    for (const std::size_t threads : {1U, 2U, 3U, 8U}) {
      parallel::thread_pool pool(threads);
      for (int run = 0; run < 5; ++run)
        REQUIRE(sum(pool) == expected); // to the last bit
    }
  }
}

TEST_CASE("map_reduce keeps the order of what does not commute") {
  for (const std::size_t n : {0U, 1U, 2U, 3U, 100U, 1'000U, 1'500U}) {
    std::string expected = "<";
    for (const int x : numbers(n))
      expected += std::to_string(x);
    CHECK(parallel::map_reduce(
              numbers(n), [](int x) { return std::to_string(x); }, std::string("<"),
              std::plus<>()) == expected);
  }
}

TEST_CASE("map_reduce of no elements is the initial value") {
  const auto never = [](int, int) -> int { throw std::logic_error("called"); };
  CHECK(parallel::map_reduce(numbers(0), same, 42, never) == 42);
}

TEST_CASE("map_reduce lets the initial value take part once") {
  CHECK(parallel::map_reduce(numbers(1'000), same, 7, std::plus<>()) == 7 + 499'500);
}

TEST_CASE("the grain of map_reduce is the number of elements combined one after another") {
  const auto bracket = [](const std::string& a, const std::string& b) { return "(" + a + b + ")"; };
  const auto text = [](int x) { return std::string(1, static_cast<char>('0' + x)); };
  CHECK(parallel::map_reduce(numbers(5), text, std::string(), bracket, {.grain = 2}) ==
        "((((01)(23))4))");
  CHECK(parallel::map_reduce(numbers(5), text, std::string(), bracket, {.grain = 100}) ==
        "(((((01)2)3)4))");
}

TEST_CASE("map_reduce takes values that can only be moved") {
  using owned = std::unique_ptr<long>;
  const auto sum = parallel::map_reduce(
      numbers(3'000), [](int x) { return std::make_unique<long>(x); }, std::make_unique<long>(0),
      [](owned a, owned b) { return std::make_unique<long>(*a + *b); });
  CHECK(*sum == 4'498'500);
}

TEST_CASE("map_reduce takes operations that return a reference to one of their arguments") {
  const auto text = [](int x) { return std::string(50, static_cast<char>('a' + x % 26)); };
  const auto larger = [](const std::string& a, const std::string& b) -> const std::string& {
    return a < b ? b : a;
  };
  CHECK(parallel::map_reduce(numbers(3'000), text, std::string(), larger) == std::string(50, 'z'));
  const auto smaller = [](const std::string& a, const std::string& b) -> const std::string& {
    return b < a ? b : a;
  };
  CHECK(parallel::map_reduce(numbers(3'000), text, std::string("zz"), smaller) ==
        std::string(50, 'a'));
}

TEST_CASE("map_reduce takes values that cannot be assigned") {
  struct fixed {
    const int value;
  };
  const auto sum = parallel::map_reduce(
      numbers(2'000), [](int x) { return fixed{x}; }, fixed{0},
      [](const fixed& a, const fixed& b) { return fixed{a.value + b.value}; });
  CHECK(sum.value == 1'999'000);
}

TEST_CASE("map_reduce with a seed is the same for any number of threads") {
  const auto dart = [](int, parallel::random_engine& random) {
    return static_cast<double>(random() >> 11) * 0x1p-53;
  };
  const auto run = [&](auto& executor) {
    return parallel::map_reduce(executor, numbers(5'000), dart, 0.0, std::plus<>(), {.seed = 3});
  };
  parallel::thread_pool pool(3);
  CHECK(run(pool) == run(parallel::serial));
}

TEST_CASE("map_reduce combines bools without a race") {
  CHECK(parallel::map_reduce(
      numbers(5'000), [](int x) { return x >= 0; }, true, std::logical_and<>()));
  CHECK_FALSE(parallel::map_reduce(
      numbers(5'000), [](int x) { return x != 4'321; }, true, std::logical_and<>()));
}

TEST_CASE("exceptions of the function and of the operation leave map_reduce") {
  CHECK_THROWS_AS(parallel::map_reduce(
                      numbers(1'000),
                      [](int x) {
                        if (x == 700)
                          throw std::out_of_range("f");
                        return x;
                      },
                      0, std::plus<>()),
                  std::out_of_range);
  const auto refuse = [](int a, int b) {
    if (b == 3)
      throw std::domain_error("op");
    return a + b;
  };
  CHECK_THROWS_AS(parallel::map_reduce(numbers(10), same, 0, refuse), std::domain_error);
}

TEST_CASE("map_reduce tells its progress in elements, and can be stopped") {
  parallel::progress last;
  parallel::map_reduce(numbers(10'000), same, 0, std::plus<>(),
                       {.progress = [&](const parallel::progress& now) { last = now; }});
  CHECK(last.done == 10'000);
  CHECK(last.total == 10'000);
  CHECK(last.last);
  CHECK_THROWS_AS(parallel::map_reduce(numbers(10), same, 0, std::plus<>(),
                                       {.deadline = std::chrono::seconds(0)}),
                  parallel::deadline_exceeded);
}

TEST_CASE("map_reduce runs on an io_pool") {
  parallel::io_pool io;
  CHECK(parallel::map_reduce(io, numbers(2'000), same, 0L, std::plus<>()) == 1'999'000);
}
