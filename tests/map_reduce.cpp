// What map_reduce promises: the same result on any number of threads.
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
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using test::numbers;
using test::same;

namespace {

/// Options with which an executor runs one leaf of a hundred elements or more on the calling
/// thread.
template <class E>
typename E::call_options in_one_leaf() {
  if constexpr (std::is_same_v<E, parallel::io_pool>)
    return {.in_flight = 1};
  else
    return {.grain = 1'000'000};
}

/// As many elements as are needed so that each leaf has a hundred of them on an io_pool, which has
/// no grain.
constexpr std::size_t many = 51'200;

/// How many calls of f there are when at_last(), called for the element `last`, ends the call.
template <class E, class Options, class AtLast>
int calls_until(int last, E& executor, const Options& options, const AtLast& at_last) {
  std::atomic<int> calls{0};
  CHECK_THROWS_AS(parallel::map_reduce(
                      executor, numbers(many),
                      [&](int x) {
                        ++calls;
                        if (x == last)
                          at_last();
                        return x;
                      },
                      0L, std::plus<>(), options),
                  parallel::error);
  return calls;
}

} // namespace

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

TEST_CASE("map_reduce keeps the order of operands that do not commute") {
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

TEST_CASE("map_reduce uses the initial value once") {
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

TEST_CASE("map_reduce takes move-only values") {
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

TEST_CASE("map_reduce rethrows exceptions of the function and of the operation") {
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

TEST_CASE("map_reduce reports its progress in elements, and can be stopped") {
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

TEMPLATE_TEST_CASE("map_reduce checks for a stop before each element and counts elements", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  std::atomic<bool> requested{false};
  parallel::progress last;
  const auto hook = [&](const parallel::progress& now) { last = now; };
  auto options = in_one_leaf<TestType>();
  options.stop = test::token{&requested};
  options.progress = hook;
  CHECK(calls_until(10, executor, options, [&] { requested = true; }) == 11);
  CHECK(last.done == 11);
  CHECK(last.total == many);
  CHECK(last.last);
}

TEMPLATE_TEST_CASE("map_reduce checks its deadline before each element", "", parallel::thread_pool,
                   parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  auto options = in_one_leaf<TestType>();
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  options.deadline = end;
  const auto let_it_pass = [&] { // by more than the microsecond to which a time point is converted
    while (std::chrono::steady_clock::now() <= end + std::chrono::milliseconds(1))
      std::this_thread::yield();
  };
  CHECK(calls_until(10, executor, options, let_it_pass) <= 11);
}

TEST_CASE("map_reduce on an io_pool counts each element towards its rate") {
  parallel::io_pool io({.max_threads = 4});
  const parallel::start_rate rate = 10'000;
  constexpr std::size_t n = 1'500; // three in each leaf
  const std::int64_t began = parallel::detail::steady_ns();
  CHECK(parallel::map_reduce(io, numbers(n), same, 0L, std::plus<>(), {.rate = rate}) == 1'124'250);
  CHECK(rate.limiter()->reserve_turn(0) - began >= static_cast<std::int64_t>(n) * 100'000);
}

TEST_CASE("map_reduce on an io_pool runs at most in_flight calls of f and op at once") {
  parallel::io_pool io({.max_threads = 8});
  test::crowd inside;
  const auto look_around = [&] {
    const auto self = inside.enter();
    for (int i = 0; i < 20; ++i)
      std::this_thread::yield();
  };
  const auto sum = parallel::map_reduce(
      io, numbers(600),
      [&](int x) {
        look_around();
        return x;
      },
      0L,
      [&](long a, long b) {
        look_around();
        return a + b;
      },
      {.in_flight = 2});
  CHECK(sum == 179'700);
  CHECK(inside.most() <= 2);
}

TEMPLATE_TEST_CASE("map_reduce gives the same sum, to the last bit, whatever its options", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  for (const std::size_t n : {0U, 1U, 2U, 511U, 512U, 513U, 2'000U, 10'001U}) {
    const auto sum = [&](auto& on, const auto& options) {
      return parallel::map_reduce(
          on, numbers(n), [](int x) { return std::sin(x) * 1e9; }, 0.1, std::plus<>(), options);
    };
    const double expected = sum(parallel::serial, parallel::map_options());
    std::atomic<bool> never{false};
    parallel::progress last;
    const auto hook = [&](const parallel::progress& now) { last = now; };
    typename TestType::call_options options;
    REQUIRE(sum(executor, options) == expected);
    options.progress = hook;
    REQUIRE(sum(executor, options) == expected);
    REQUIRE(last.done == n);
    options.stop = test::token{&never};
    options.deadline = std::chrono::hours(1);
    REQUIRE(sum(executor, options) == expected);
    REQUIRE(last.done == n);
  }
}

TEMPLATE_TEST_CASE("map_reduce rethrows the exception of the lowest leaf whatever its options", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  std::atomic<bool> never{false};
  for (const bool controlled : {false, true}) {
    typename TestType::call_options options;
    if (controlled)
      options.stop = test::token{&never};
    std::atomic<int> run{0};
    CHECK_THROWS_WITH(parallel::map_reduce(
                          executor, numbers(5'000),
                          [&](int x) {
                            run += x < 1'234 ? 1 : 0;
                            if (x == 1'234 || x == 1'235 || x > 4'000)
                              throw std::out_of_range(std::to_string(x));
                            return test::counted(x);
                          },
                          test::counted(0),
                          [](const test::counted& a, const test::counted& b) {
                            return test::counted(a.value() + b.value());
                          },
                          options),
                      "1234");
    CHECK(run == 1'234);
    CHECK(test::counted::alive == 0);
    const auto refuse = [](int a, int b) {
      if (b < 0)
        throw std::domain_error("in a leaf");
      if (b > 1)
        throw std::domain_error("between leaves");
      return a + b;
    };
    CHECK_THROWS_WITH(parallel::map_reduce(
                          executor, numbers(5'000), [](int x) { return x == 4'321 ? -1 : 1; }, 0,
                          refuse, options),
                      "in a leaf");
  }
}

TEST_CASE("map_reduce runs on an io_pool") {
  parallel::io_pool io;
  CHECK(parallel::map_reduce(io, numbers(2'000), same, 0L, std::plus<>()) == 1'999'000);
}

namespace {

/// An executor of a user's own, with options of its own, and with bodies that return nothing.
struct own_executor {
  struct call_options {
    int priority = 0;
  };
  template <class Body>
  friend void bulk_execute(own_executor&, std::size_t n, const call_options&, const Body& body) {
    return body(std::size_t{0}, n);
  }
};
static_assert(parallel::executor<own_executor>);

/// The same, with the library's options.
struct plain_executor {
  using call_options = parallel::map_options;
  template <class Body>
  friend void bulk_execute(plain_executor&, std::size_t n, const call_options&, const Body& body) {
    return body(std::size_t{0}, n);
  }
};

} // namespace

TEST_CASE("map_reduce runs on executors that have no more than the concept requires") {
  own_executor own;
  plain_executor plain;
  const std::vector<int> ones(1'000, 1);
  const auto same_number = [](int x) { return x; };
  CHECK(parallel::map_reduce(own, ones, same_number, 0, std::plus<>()) == 1'000);
  CHECK(parallel::map_reduce(plain, ones, same_number, 0, std::plus<>()) == 1'000);
  CHECK_THROWS_AS(parallel::map_reduce(plain, ones, same_number, 0, std::plus<>(),
                                       {.deadline = std::chrono::seconds(0)}),
                  parallel::deadline_exceeded);
}
