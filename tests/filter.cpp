// What filter promises: the result of the plain loop, for every range, executor and number of
// threads.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/filter.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/random.hpp>
#include <parallel/serial.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <forward_list>
#include <functional>
#include <latch>
#include <list>
#include <memory>
#include <memory_resource>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using test::any_pool_size;
using test::numbers;
using test::token;

namespace {

bool is_odd(int x) {
  return x % 2 == 1;
}

std::vector<std::unique_ptr<int>> owned(int n) {
  std::vector<std::unique_ptr<int>> all;
  for (int i = 0; i < n; ++i)
    all.push_back(std::make_unique<int>(i));
  return all;
}

const auto points_at_odd = [](const std::unique_ptr<int>& x) { return is_odd(*x); };

} // namespace

TEST_CASE("filter keeps what the plain loop keeps, in its order") {
  parallel::thread_pool pool(any_pool_size());
  const std::size_t n = GENERATE(std::size_t{1}, 2U, 3U, 10U, 1'000U, 100'000U);
  const std::size_t grain = GENERATE(std::size_t{0}, 1U, 7U, 1'000'000U);
  const std::vector<int> xs = numbers(n);
  for (const int divisor : {1, 2, 97, 1'000'000'000}) { // all, half, few, only the first
    const auto divides = [&](int x) { return x % divisor == 0; };
    std::vector<int> expected;
    for (const int x : xs)
      if (divides(x))
        expected.push_back(x);
    REQUIRE(parallel::filter(pool, xs, divides, {.grain = grain}) == expected);
    REQUIRE(parallel::filter(pool, std::views::iota(0, static_cast<int>(n)), divides,
                             {.grain = grain}) == expected);
  }
  CHECK(parallel::filter(pool, xs, [](int) { return false; }, {.grain = grain}).empty());
}

TEST_CASE("filter of an empty range is an empty vector and calls nothing") {
  parallel::thread_pool pool(any_pool_size());
  const auto never = [](int) -> bool { throw std::logic_error("called"); };
  CHECK(parallel::filter(pool, std::vector<int>{}, never).empty());
  CHECK(parallel::filter(pool, std::list<int>{}, never, {.grain = 3}).empty());
  CHECK(parallel::filter(pool, std::views::iota(0, 0), never).empty());
  std::istringstream nothing;
  CHECK(parallel::filter(pool, std::views::istream<int>(nothing), never).empty());
}

TEST_CASE("filter calls the predicate once for each element") {
  parallel::thread_pool pool(any_pool_size());
  const std::size_t grain = GENERATE(std::size_t{0}, 1U, 64U);
  std::vector<std::atomic<int>> calls(10'000);
  const auto count = [&](int x) { return ++calls[static_cast<std::size_t>(x)] % 2 == 1; };
  const std::vector<int> xs = numbers(calls.size());
  CHECK(parallel::filter(pool, xs, count, {.grain = grain}) == xs);
  CHECK(parallel::filter(pool, std::views::iota(0, 10'000), count, {.grain = grain}).empty());
  bool twice = true;
  for (const std::atomic<int>& each : calls)
    twice = twice && each == 2;
  CHECK(twice);
}

TEST_CASE("filter uses the default pool when none is named") {
  CHECK(parallel::filter(numbers(4), is_odd) == std::vector<int>{1, 3});
  CHECK(parallel::filter(owned(4), points_at_odd, {.grain = 1}).size() == 2);
}

TEMPLATE_TEST_CASE("filter runs on every executor", "", parallel::thread_pool, parallel::io_pool,
                   parallel::serial_executor) {
  TestType executor;
  CHECK(parallel::filter(executor, numbers(4), is_odd) == std::vector<int>{1, 3});
  CHECK(parallel::filter(executor, std::views::iota(0, 4), is_odd) == std::vector<int>{1, 3});
}

TEST_CASE("filter runs on two threads at once") {
  parallel::thread_pool pool(2);
  std::latch both(2); // each element waits for the other: one thread alone would never return
  const auto wait = [&](int) {
    both.arrive_and_wait();
    return true;
  };
  CHECK(parallel::filter(pool, numbers(2), wait, {.grain = 1}) == numbers(2));
}

TEST_CASE("filter takes every kind of range") {
  parallel::thread_pool pool(any_pool_size());
  const std::vector<int> expected{1, 3};

  SECTION("a vector and a const vector, a temporary") {
    std::vector<int> xs = numbers(4);
    CHECK(parallel::filter(pool, xs, is_odd) == expected);
    CHECK(parallel::filter(pool, std::as_const(xs), is_odd) == expected);
    CHECK(parallel::filter(pool, numbers(4), is_odd) == expected);
  }
  SECTION("a C array, a std::array and a span") {
    const int array[] = {0, 1, 2, 3};
    CHECK(parallel::filter(pool, array, is_odd) == expected);
    CHECK(parallel::filter(pool, std::array{0, 1, 2, 3}, is_odd) == expected);
    CHECK(parallel::filter(pool, std::span(array), is_odd) == expected);
  }
  SECTION("a deque, a list, a forward_list and a set") {
    CHECK(parallel::filter(pool, std::deque{0, 1, 2, 3}, is_odd) == expected);
    CHECK(parallel::filter(pool, std::list{0, 1, 2, 3}, is_odd) == expected);
    CHECK(parallel::filter(pool, std::forward_list{0, 1, 2, 3}, is_odd) == expected);
    CHECK(parallel::filter(pool, std::set{0, 1, 2, 3}, is_odd) == expected);
  }
  SECTION("views") {
    std::vector<int> xs = numbers(4);
    CHECK(parallel::filter(pool, xs | std::views::reverse, is_odd) == std::vector<int>{3, 1});
    CHECK(parallel::filter(pool, xs | std::views::transform([](int x) { return x + 1; }), is_odd) ==
          expected);
    CHECK(parallel::filter(pool, xs | std::views::filter([](int x) { return x > 1; }), is_odd) ==
          std::vector<int>{3});
    CHECK(parallel::filter(pool, std::views::iota(0) | std::views::take(4), is_odd) == expected);
  }
  SECTION("a single-pass stream") {
    std::istringstream text("0 1 2 3");
    CHECK(parallel::filter(pool, std::views::istream<int>(text), is_odd) == expected);
  }
  SECTION("a single-pass range whose elements convert explicitly to its values") {
    CHECK(parallel::filter(pool, test::words("a bc d"), [](const std::string& word) {
            return word.size() == 1;
          }) == std::vector<std::string>{"a", "d"});
  }
}

TEST_CASE("filter keeps bools, packed or not") {
  parallel::thread_pool pool(any_pool_size());
  const auto itself = [](bool x) { return x; };
  std::vector<bool> packed(1'000);
  std::deque<bool> unpacked(1'000);
  for (std::size_t i = 0; i < 1'000; i += 3)
    packed[i] = unpacked[i] = true;
  const std::vector<bool> expected(334, true);
  CHECK(parallel::filter(pool, packed, itself, {.grain = 1}) == expected);
  CHECK(parallel::filter(pool, std::as_const(packed), itself, {.grain = 1}) == expected);
  CHECK(parallel::filter(pool, unpacked, itself, {.grain = 1}) == expected);
  CHECK(parallel::filter(pool, packed, std::logical_not<>()).size() == 666);
}

TEST_CASE("filter copies the elements of a range that is an lvalue") {
  parallel::thread_pool pool(any_pool_size());
  const auto all = [](const std::string&) { return true; };
  const std::vector<std::string> expected{"a string too long to be kept in place", "b"};

  SECTION("a container") {
    std::vector<std::string> xs = expected;
    CHECK(parallel::filter(pool, xs, all) == expected);
    CHECK(xs == expected);
  }
  SECTION("rvalues that refer to elements of others") {
    std::vector<std::string> xs = expected;
    CHECK(parallel::filter(pool, std::span(xs), all) == expected);
    CHECK(parallel::filter(pool, std::ranges::subrange(xs), all) == expected);
    CHECK(parallel::filter(pool, xs | std::views::all, all) == expected);
    CHECK(parallel::filter(pool, xs | std::views::take(2), all) == expected);
    struct slice { // it refers to elements, but is not marked as a view
      std::vector<std::string>* of;
      [[nodiscard]] auto begin() const { return of->begin(); }
      [[nodiscard]] auto end() const { return of->end(); }
    };
    CHECK(parallel::filter(pool, slice{&xs}, all) == expected);
    CHECK(xs == expected);
  }
}

TEST_CASE("filter moves the elements of a range that is an rvalue, which may be move-only") {
  parallel::thread_pool pool(any_pool_size());

  SECTION("a vector, of which the rest stays") {
    auto xs = owned(1'000);
    const auto kept = parallel::filter(pool, std::move(xs), points_at_odd, {.grain = 1});
    REQUIRE(kept.size() == 500);
    CHECK(*kept.front() == 1);
    CHECK(*kept.back() == 999);
    CHECK(xs.size() == 1'000);
    CHECK(*xs[998] == 998);
  }
  SECTION("a list") {
    std::list<std::unique_ptr<int>> xs;
    for (int i = 0; i < 10; ++i)
      xs.push_back(std::make_unique<int>(i));
    CHECK(*parallel::filter(pool, std::move(xs), points_at_odd).back() == 9);
  }
  SECTION("temporaries that a view makes") {
    const auto made = std::views::iota(0, 1'000) |
                      std::views::transform([](int x) { return std::make_unique<int>(x); });
    CHECK(*parallel::filter(pool, made, points_at_odd, {.grain = 1}).back() == 999);
  }
  SECTION("a single-pass range") {
    auto xs = owned(10);
    const auto from = std::move_iterator(xs.begin());
    const auto to = std::move_sentinel(xs.end());
    CHECK(*parallel::filter(pool, std::ranges::subrange(from, to), points_at_odd).back() == 9);
  }
}

TEST_CASE("filter keeps every kind of element") {
  parallel::thread_pool pool(any_pool_size());

  SECTION("not assignable, and without a default constructor") {
    struct fixed {
      explicit fixed(int x) : value(x) {}
      const int value;
    };
    const std::vector<fixed> xs{fixed(1), fixed(2), fixed(3)};
    const auto odd = [](const fixed& x) { return is_odd(x.value); };
    CHECK(parallel::filter(pool, xs, odd)[1].value == 3);
    const auto made = xs | std::views::transform([](const fixed& x) { return fixed(x.value); });
    CHECK(parallel::filter(pool, made, odd)[1].value == 3);
  }
  SECTION("with an allocator of their own") {
    std::pmr::monotonic_buffer_resource arena;
    std::vector<std::pmr::string> xs;
    xs.emplace_back("x", &arena);
    const auto kept =
        parallel::filter(pool, std::move(xs), [](const std::pmr::string&) { return true; });
    CHECK(kept[0].get_allocator().resource() == &arena);
  }
  SECTION("proxies become values") {
    std::vector<int> xs = numbers(4);
    const auto referring =
        xs | std::views::transform([](int& x) { return std::pair<int&, int>(x, -x); });
    const auto kept = parallel::filter(pool, referring, [](const auto& x) { return x.first > 2; });
    CHECK(kept.size() == 1);
    CHECK(kept[0].second == -3);
  }
}

TEST_CASE("filter takes every kind of predicate") {
  parallel::thread_pool pool(any_pool_size());
  const std::vector<int> xs = numbers(4);
  const std::vector<int> expected{1, 3};

  SECTION("a function and a pointer to one") {
    CHECK(parallel::filter(pool, xs, is_odd) == expected);
    CHECK(parallel::filter(pool, xs, &is_odd) == expected);
  }
  SECTION("pointers to members") {
    struct switched {
      bool on;
      [[nodiscard]] bool off() const { return !on; }
      bool asked() { return on; }
    };
    std::vector<switched> all{{true}, {false}, {true}};
    CHECK(parallel::filter(pool, all, &switched::on).size() == 2);
    CHECK(parallel::filter(pool, all, &switched::off).size() == 1);
    CHECK(parallel::filter(pool, all, &switched::asked).size() == 2);
    CHECK(parallel::filter(pool, all | std::views::transform([](switched x) { return x; }),
                           &switched::on)
              .size() == 2);
  }
  SECTION("a reference_wrapper") {
    const std::function<bool(int)> function = is_odd;
    CHECK(parallel::filter(pool, xs, std::cref(function)) == expected);
  }
  SECTION("one that can be neither copied nor moved") {
    struct pinned {
      pinned() = default;
      pinned(const pinned&) = delete;
      pinned& operator=(const pinned&) = delete;
      bool operator()(int x) const { return is_odd(x); }
    };
    CHECK(parallel::filter(pool, xs, pinned()) == expected);
    CHECK(parallel::filter(pool, std::views::iota(0, 4), pinned()) == expected);
  }
  SECTION("ones that say something other than a bool") {
    CHECK(parallel::filter(pool, xs, [](int x) { return 256 * (x % 2); }) == expected);
    CHECK(parallel::filter(pool, xs, [](int x) {
            return is_odd(x) ? std::optional(x) : std::nullopt;
          }) == expected);
  }
  SECTION("one that takes random numbers: the same sample on any number of threads") {
    const auto sample = [](int, parallel::random_engine& random) { return random() % 10 == 0; };
    const auto drawn = [&](auto& executor, auto&& from) {
      return parallel::filter(executor, from, sample, {.grain = 1, .seed = 7});
    };
    const auto expected_sample = drawn(parallel::serial, numbers(1'000));
    CHECK(expected_sample.size() > 50);
    CHECK(expected_sample.size() < 150);
    CHECK(drawn(pool, numbers(1'000)) == expected_sample);
    CHECK(drawn(pool, std::views::iota(0, 1'000)) == expected_sample);
  }
}

TEST_CASE("filter rethrows the exception of the lowest index and leaves the range unchanged") {
  parallel::thread_pool pool(any_pool_size());
  const std::size_t grain = GENERATE(std::size_t{0}, 1U, 5U);
  for (int lowest = 0; lowest < 1'000; lowest += 37) {
    auto xs = owned(1'000);
    const auto fails = [&](const std::unique_ptr<int>& x) {
      if (*x >= lowest)
        throw *x;
      return true;
    };
    int caught = -1;
    try {
      parallel::filter(pool, std::move(xs), fails, {.grain = grain});
    } catch (int x) {
      caught = x;
    }
    REQUIRE(caught == lowest);
    bool whole = true;
    for (const auto& x : xs)
      whole = whole && x != nullptr;
    REQUIRE(whole); // nothing has been moved
  }
}

TEST_CASE("filter destroys each element that it stored before an exception once") {
  parallel::thread_pool pool(any_pool_size());
  const auto made =
      std::views::iota(0, 100) | std::views::transform([](int x) { return test::counted(x); });
  for (int at = 0; at <= 100; ++at) {
    try {
      const auto kept = parallel::filter(pool, made, [&](const test::counted& x) {
        if (x.value() == at)
          throw at;
        return is_odd(x.value());
      });
      CHECK(at == 100);
      CHECK(test::counted::alive == 50);
    } catch (int) {
    }
    REQUIRE(test::counted::alive == 0);
  }
}

TEST_CASE("filter passes on what a copy of an element throws") {
  struct fragile {
    fragile() = default;
    fragile(const fragile&) { throw std::domain_error("copied"); }
    fragile(fragile&&) = default;
  };
  parallel::thread_pool pool(any_pool_size());
  const std::vector<fragile> xs(10);
  CHECK_THROWS_AS(parallel::filter(pool, xs, [](const fragile&) { return true; }),
                  std::domain_error);
  CHECK(parallel::filter(pool, xs, [](const fragile&) { return false; }).empty());
}

TEMPLATE_TEST_CASE("filter throws when it is stopped or its deadline passes", "",
                   parallel::thread_pool, parallel::io_pool, parallel::serial_executor) {
  TestType executor;
  std::atomic<bool> requested{false};
  const auto request = [&](int x) {
    if (x == 20)
      requested = true;
    return true;
  };
  CHECK_THROWS_AS(parallel::filter(executor, numbers(10'000), request, {.stop = token{&requested}}),
                  parallel::stopped);
  CHECK_THROWS_AS(
      parallel::filter(executor, numbers(10), is_odd, {.deadline = std::chrono::seconds(0)}),
      parallel::deadline_exceeded);
}

TEST_CASE("filter reports its end once, with all elements done") {
  parallel::thread_pool pool(any_pool_size());
  parallel::progress last;
  int ends = 0;
  parallel::filter(pool, numbers(1'000), is_odd, {.progress = [&](const parallel::progress& now) {
                     last = now;
                     ends += now.last ? 1 : 0;
                   }});
  CHECK(last.done == 1'000);
  CHECK(last.total == 1'000);
  CHECK(ends == 1);
}

TEST_CASE("filter on an io_pool calls the predicate again when it throws and retries are left") {
  parallel::io_pool io;
  std::array<std::atomic<int>, 10> asked{};
  const auto answers_late = [&](int x) {
    if (++asked[static_cast<std::size_t>(x)] < 3)
      throw std::runtime_error("not yet");
    return is_odd(x);
  };
  const std::vector<int> expected{1, 3, 5, 7, 9};
  CHECK(parallel::filter(io, numbers(10), answers_late, {.retries = 2}) == expected);
  for (std::atomic<int>& each : asked)
    each = 0;
  CHECK(parallel::filter(io, std::views::iota(0, 10), answers_late, {.retries = 2}) == expected);
}

TEST_CASE("filters nest, in each other and in maps") {
  parallel::thread_pool pool(any_pool_size());
  const parallel::map_options options{.grain = 1};
  const auto has_few_divisors = [&](int n) {
    return parallel::filter(
               pool, std::views::iota(1, n + 1), [n](int d) { return n % d == 0; }, options)
               .size() == 2;
  };
  for (int round = 0; round < 20; ++round)
    REQUIRE(parallel::filter(pool, numbers(30), has_few_divisors, options) ==
            std::vector<int>{2, 3, 5, 7, 11, 13, 17, 19, 23, 29});
}

namespace acme {

struct figures : std::vector<int> {
  using std::vector<int>::vector;
};

/// Better matches than the library's own functions, if the library used argument-dependent lookup.
template <class P, class R, class F, class O>
int filter(P&, R&, F&, const O&) {
  throw std::logic_error("the wrong filter");
}
template <class... Xs>
int choose(const Xs&...) {
  throw std::logic_error("the wrong choose");
}

} // namespace acme

TEST_CASE("filter does not call functions of the user's namespace") {
  acme::figures xs{1, 2, 3};
  CHECK(parallel::filter(xs, is_odd) == std::vector<int>{1, 3});
}

// filter returns a vector of the range's values.
template <class R>
using filtered = decltype(parallel::filter(std::declval<R>(), [](const auto&) { return true; }));
static_assert(std::is_same_v<std::vector<int>, filtered<const std::vector<int>&>>);
static_assert(std::is_same_v<std::vector<bool>, filtered<std::vector<bool>&>>);
static_assert(std::is_same_v<std::vector<int>, filtered<std::span<const int>>>);
static_assert(
    std::is_same_v<std::vector<std::unique_ptr<int>>, filtered<std::list<std::unique_ptr<int>>>>);
