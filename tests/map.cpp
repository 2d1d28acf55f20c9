// What map, map_into and for_each promise on a thread_pool of any size.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/map.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <functional>
#include <latch>
#include <list>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

using test::any_pool_size;
using test::numbers;

namespace {

int twice(int x) {
  return 2 * x;
}

/// A type of results that are assigned in place: assignment keeps all that construction would.
struct plain {
  int number = 0;
  std::string text;
  std::vector<std::pmr::string> texts; // moves as a whole
  std::unique_ptr<int> owned;
  int array[3] = {};
};
template <class T>
constexpr bool in_place = parallel::detail::assignable_in_place<T, T>;
static_assert(in_place<plain>);
static_assert(in_place<std::tuple<int, std::string>>);
static_assert(in_place<std::array<double, 1'000>>);
static_assert(!in_place<std::pair<int, std::pmr::string>>);

/// Less work than any call that is shared.
const auto add_one = [](int x) { return x + 1; };

} // namespace

TEST_CASE("map keeps the order of its input") {
  parallel::thread_pool pool(any_pool_size());
  const std::size_t n = GENERATE(std::size_t{1}, 2U, 3U, 10U, 1'000U, 100'000U);
  const std::size_t grain = GENERATE(std::size_t{0}, 1U, 7U, 1'000'000U);
  const std::vector<int> xs = numbers(n);
  const std::vector<int> doubled = parallel::map(pool, xs, twice, {.grain = grain});
  REQUIRE(doubled.size() == n);
  bool in_order = true;
  for (std::size_t i = 0; i < n; ++i)
    in_order = in_order && doubled[i] == 2 * static_cast<int>(i);
  CHECK(in_order);
}

TEST_CASE("map of an empty range is an empty vector and calls nothing") {
  parallel::thread_pool pool(any_pool_size());
  const auto never = [](int) -> int { throw std::logic_error("called"); };
  CHECK(parallel::map(pool, std::vector<int>{}, never).empty());
  CHECK(parallel::map(pool, std::list<int>{}, never, {.grain = 3}).empty());
  std::istringstream nothing;
  CHECK(parallel::map(pool, std::views::istream<int>(nothing), never).empty());
}

TEST_CASE("map calls the function once for each element") {
  parallel::thread_pool pool(any_pool_size());
  const std::size_t grain = GENERATE(std::size_t{0}, 1U, 64U);
  std::vector<std::atomic<int>> calls(10'000);
  for (int round = 1; round <= 20; ++round) {
    parallel::for_each(pool, std::views::iota(std::size_t{0}, calls.size()),
                       [&](std::size_t i) { ++calls[i]; }, {.grain = grain});
    bool once = true;
    for (const std::atomic<int>& count : calls)
      once = once && count == round;
    REQUIRE(once);
  }
}

TEST_CASE("map uses the default pool when none is named") {
  CHECK(parallel::map(numbers(3), add_one) == std::vector<int>{1, 2, 3});
}

TEST_CASE("map runs on two threads at once") {
  parallel::thread_pool pool(2);
  std::latch both(2); // each element waits for the other: one thread alone would never return
  parallel::for_each(pool, numbers(2), [&](int) { both.arrive_and_wait(); }, {.grain = 1});
  SUCCEED();
}

TEST_CASE("map takes every kind of range") {
  parallel::thread_pool pool(any_pool_size());
  const std::vector<int> expected{1, 2, 3, 4};

  SECTION("a vector and a const vector") {
    std::vector<int> xs = numbers(4);
    CHECK(parallel::map(pool, xs, add_one) == expected);
    CHECK(parallel::map(pool, std::as_const(xs), add_one) == expected);
  }
  SECTION("a temporary") {
    CHECK(parallel::map(pool, numbers(4), add_one) == expected);
  }
  SECTION("a C array, a std::array and a span") {
    const int array[] = {0, 1, 2, 3};
    CHECK(parallel::map(pool, array, add_one) == expected);
    CHECK(parallel::map(pool, std::array{0, 1, 2, 3}, add_one) == expected);
    CHECK(parallel::map(pool, std::span(array), add_one) == expected);
  }
  SECTION("a deque") {
    CHECK(parallel::map(pool, std::deque{0, 1, 2, 3}, add_one) == expected);
  }
  SECTION("a list, a forward_list and a set") {
    CHECK(parallel::map(pool, std::list{0, 1, 2, 3}, add_one) == expected);
    CHECK(parallel::map(pool, std::forward_list{0, 1, 2, 3}, add_one) == expected);
    CHECK(parallel::map(pool, std::set{0, 1, 2, 3}, add_one) == expected);
  }
  SECTION("views") {
    CHECK(parallel::map(pool, std::views::iota(0, 4), add_one) == expected);
    CHECK(parallel::map(pool, numbers(4) | std::views::reverse, add_one) ==
          std::vector<int>{4, 3, 2, 1});
    CHECK(parallel::map(pool, std::views::iota(0, 4) | std::views::transform(add_one),
                        [](int x) { return x; }) == expected);
    CHECK(parallel::map(pool,
                        std::views::iota(0, 8) | std::views::filter([](int x) { return x % 2; }),
                        add_one) == std::vector<int>{2, 4, 6, 8});
    CHECK(parallel::map(pool, std::views::iota(0) | std::views::take(4), add_one) == expected);
  }
  SECTION("a string with a sentinel of its own") {
    const char* text = "abc";
    const auto unsized = std::ranges::subrange(text, std::unreachable_sentinel) |
                         std::views::take_while([](char c) { return c != '\0'; });
    const auto letters = parallel::map(pool, unsized, [](char c) { return c; });
    CHECK(letters == std::vector<char>{'a', 'b', 'c'});
  }
  SECTION("a single-pass range that knows its size") {
    std::istringstream text("0 1 2 3");
    struct four : std::ranges::view_base {
      explicit four(std::istream& from) : stream(from) {}
      auto begin() { return std::istream_iterator<int>(stream); }
      [[nodiscard]] std::default_sentinel_t end() const { return {}; }
      [[nodiscard]] std::size_t size() const { return 4; }
      std::istream& stream;
    };
    CHECK(parallel::map(pool, four(text), add_one) == expected);
  }
  SECTION("a single-pass stream") {
    std::istringstream text("0 1 2 3");
    CHECK(parallel::map(pool, std::views::istream<int>(text), add_one) == expected);
  }
  SECTION("a vector of bool, by way of for_each") {
    const std::vector<bool> flags{true, false, true};
    std::vector<bool> mutable_flags = flags;
    std::atomic<int> set{0};
    const auto count = [&](bool flag) { set += flag ? 1 : 0; };
    parallel::for_each(pool, flags, count);
    parallel::for_each(pool, std::as_const(mutable_flags), count);
    parallel::for_each(pool, std::as_const(mutable_flags), flags,
                       [&](bool flag, bool other) { count(flag && other); });
    CHECK(set == 6);
  }
  SECTION("a vector of bool") {
    const std::vector<bool> flags{true, false, true};
    CHECK(parallel::map(pool, flags, [](bool flag) { return flag ? 1 : 0; }) ==
          std::vector<int>{1, 0, 1});
  }
  SECTION("a single-pass range whose elements convert explicitly to its values") {
    CHECK(parallel::map(pool, test::words("a b c"), [](const std::string& word) { return word; }) ==
          std::vector<std::string>{"a", "b", "c"});
  }
  SECTION("move-only elements") {
    std::vector<std::unique_ptr<int>> xs;
    for (int i = 0; i < 4; ++i)
      xs.push_back(std::make_unique<int>(i));
    CHECK(parallel::map(pool, xs, [](const std::unique_ptr<int>& x) { return *x + 1; }) ==
          expected);
  }
}

TEST_CASE("map uses the elements of a random-access range in place") {
  parallel::thread_pool pool(any_pool_size());
  const std::vector<int> xs = numbers(1'000);
  const auto addresses = parallel::map(pool, xs, [](const int& x) { return &x; });
  bool in_place = true;
  for (std::size_t i = 0; i < xs.size(); ++i)
    in_place = in_place && addresses[i] == &xs[i];
  CHECK(in_place);
}

TEST_CASE("map over two ranges ends with the shorter one") {
  parallel::thread_pool pool(any_pool_size());
  const std::vector<int> xs = numbers(1'000);
  const auto sums = parallel::map(pool, xs, std::list{10, 20, 30}, std::plus{});
  CHECK(sums == std::vector<int>{10, 21, 32});
  CHECK(parallel::map(std::array{1, 2}, xs, std::plus{}) == std::vector<int>{1, 3});
  CHECK(parallel::map(pool, xs, std::vector<int>{}, std::plus{}).empty());
}

TEST_CASE("map over a range and an endless one numbers the elements") {
  parallel::thread_pool pool(any_pool_size());
  const auto number = [](char c, int i) { return std::to_string(i) + c; };
  const std::vector<std::string> expected{"0a", "1b", "2c"};
  CHECK(parallel::map(pool, std::string("abc"), std::views::iota(0), number) == expected);
  CHECK(parallel::map(pool, std::forward_list{'a', 'b', 'c'}, std::views::iota(0), number) ==
        expected);
  std::istringstream text("abc");
  CHECK(parallel::map(pool, std::views::istream<char>(text), std::views::iota(0), number) ==
        expected);
}

TEST_CASE("map walks no further into a range than the other one needs") {
  parallel::thread_pool pool(2);
  const std::vector<int> xs = numbers(3);
  const std::vector<int> expected{0, 2, 4};
  // Endless, but its type does not say so.
  CHECK(parallel::map(pool, xs, std::views::iota(0) | std::views::transform(twice), std::plus{}) ==
        std::vector<int>{0, 3, 6});
  const auto always = [](int) { return true; };
  CHECK(parallel::map(pool, xs, std::views::iota(0) | std::views::take_while(always),
                      std::plus{}) == expected);
  // To step beyond its third element would be an endless search.
  const auto below_three = [](long x) { return x < 3; };
  CHECK(parallel::map(pool, xs, std::views::iota(0L) | std::views::filter(below_three),
                      [](int x, long y) { return x + static_cast<int>(y); }) == expected);
}

TEST_CASE("map takes no more from a stream than the other range needs") {
  parallel::thread_pool pool(2);
  std::istringstream text("1 2 3 4");
  CHECK(parallel::map(pool, std::array{10, 20}, std::views::istream<int>(text), std::plus{}) ==
        std::vector<int>{11, 22});
  int next = 0;
  text >> next;
  CHECK(next == 3);
}

TEST_CASE("map returns every kind of result") {
  parallel::thread_pool pool(any_pool_size());
  const std::vector<int> xs = numbers(1'000);

  SECTION("move-only") {
    const auto results = parallel::map(pool, xs, [](int x) { return std::make_unique<int>(x); });
    CHECK(*results[999] == 999);
  }
  SECTION("without a default constructor") {
    const auto results = parallel::map(pool, xs, [](int x) { return test::counted(x); });
    CHECK(results[999].value() == 999);
  }
  SECTION("not assignable") {
    struct fixed {
      const int value;
    };
    const auto results = parallel::map(pool, xs, [](int x) { return fixed{x}; });
    CHECK(results[999].value == 999);
  }
  SECTION("over-aligned") {
    struct alignas(128) wide {
      int value = 0;
    };
    const auto results = parallel::map(pool, xs, [](int x) { return wide{x}; });
    CHECK(results[999].value == 999);
    CHECK(reinterpret_cast<std::uintptr_t>(&results[1]) % 128 == 0);
  }
  SECTION("bool") {
    const std::vector<bool> odd = parallel::map(pool, xs, [](int x) { return x % 2 == 1; });
    bool right = odd.size() == xs.size();
    for (std::size_t i = 0; i < odd.size(); ++i)
      right = right && odd[i] == (i % 2 == 1);
    CHECK(right);
  }
  SECTION("bool by way of the proxies of a vector of bool") {
    std::vector<bool> flags{true, false, true};
    const auto copies = parallel::map(pool, flags, [](auto flag) { return flag; });
    REQUIRE(copies.size() == 3);
    CHECK((copies[0] && !copies[1] && copies[2]));
  }
  SECTION("with the allocator that the function chose") {
    std::pmr::monotonic_buffer_resource arena;
    const auto results =
        parallel::map(pool, std::array{1, 2}, [&](int) { return std::pmr::string("x", &arena); });
    CHECK(results[1].get_allocator().resource() == &arena);
  }
  SECTION("with the allocators that the function chose for their members") {
    std::pmr::monotonic_buffer_resource arena;
    using text = std::pmr::string;
    const auto all_from_arena = [&](const auto& make, const auto& member) {
      bool all = true;
      for (const auto& result :
           parallel::map(pool, xs, [&](int) { return make(text("x", &arena)); }))
        all = all && member(result).get_allocator().resource() == &arena;
      return all;
    };
    struct behind_others {
      int a[40] = {};
      std::optional<int> b;
      std::function<void()> c;
      text d;
    };
    struct nested {
      std::pair<int, behind_others> inside;
    };
    struct derived : text {
      int more;
    };
    CHECK(all_from_arena([](text x) { return std::pair(1, std::move(x)); },
                         [](const auto& x) -> auto& { return x.second; }));
    CHECK(all_from_arena([](text x) { return std::tuple(1, 2, std::move(x)); },
                         [](const auto& x) -> auto& { return std::get<2>(x); }));
    CHECK(all_from_arena(
        [](text x) {
          return std::array<text, 2>{text(x, x.get_allocator()), std::move(x)};
        },
        [](const auto& x) -> auto& { return x[1]; }));
    CHECK(all_from_arena([](text x) { return std::variant<text, int>(std::move(x)); },
                         [](const auto& x) -> auto& { return std::get<0>(x); }));
    CHECK(all_from_arena([](text x) { return std::optional<text>(std::move(x)); },
                         [](const auto& x) -> auto& { return *x; }));
    CHECK(all_from_arena(
        [](text x) {
          return behind_others{{}, {}, {}, std::move(x)};
        },
        [](const auto& x) -> auto& { return x.d; }));
    CHECK(all_from_arena(
        [](text x) {
          return nested{std::pair(1, behind_others{{}, {}, {}, std::move(x)})};
        },
        [](const auto& x) -> auto& { return x.inside.second.d; }));
    CHECK(all_from_arena(
        [](text x) {
          return derived{std::move(x), 1};
        },
        [](const auto& x) -> auto& { return x; }));
  }
  SECTION("assignable from one kind of reference only") {
    struct movable_in {
      movable_in() = default;
      movable_in(const movable_in&) = default;
      movable_in& operator=(movable_in&&) = default;
      int value = 0;
    };
    std::vector<movable_in> kept(3);
    kept[2].value = 5;
    const auto copies =
        parallel::map(pool, kept, [](const movable_in& one) -> const movable_in& { return one; });
    CHECK(copies[2].value == 5);
  }
  SECTION("a reference is copied") {
    std::vector<std::string> names{"a", "b"};
    const std::vector<std::string> copies = parallel::map(
        pool, names, [](const std::string& name) -> const std::string& { return name; });
    names[0] = "c";
    CHECK(copies == std::vector<std::string>{"a", "b"});
  }
}

TEST_CASE("map takes every kind of callable") {
  parallel::thread_pool pool(any_pool_size());
  const std::vector<int> xs{1, 2};

  SECTION("a function and a pointer to one") {
    CHECK(parallel::map(pool, xs, twice) == std::vector<int>{2, 4});
    CHECK(parallel::map(pool, xs, &twice) == std::vector<int>{2, 4});
  }
  SECTION("pointers to members") {
    struct point {
      int x;
      [[nodiscard]] int negated() const { return -x; }
    };
    const std::vector<point> points{{1}, {2}};
    CHECK(parallel::map(pool, points, &point::x) == std::vector<int>{1, 2});
    CHECK(parallel::map(pool, points, &point::negated) == std::vector<int>{-1, -2});
  }
  SECTION("pointers to members, of whatever leads to an object") {
    struct base {
      explicit base(int value) : x(value) {}
      int x;
      int add(int y) const noexcept { return x + y; }
      int taken() && { return std::exchange(x, 0); }
    };
    struct derived : base {
      using base::base;
    };
    const std::vector<int> expected{1, 2};
    std::vector<derived> objects{derived(1), derived(2)};
    CHECK(parallel::map(pool, objects, &base::x) == expected);
    CHECK(parallel::map(pool, objects, std::vector<int>{10, 20}, &base::add) ==
          std::vector<int>{11, 22});
    const std::vector<const derived*> pointers{&objects[0], &objects[1]};
    CHECK(parallel::map(pool, pointers, &base::x) == expected);
    const std::vector<std::shared_ptr<base>> shared{std::make_shared<base>(1),
                                                    std::make_shared<derived>(2)};
    CHECK(parallel::map(pool, shared, std::list{1, 1}, &base::add) == std::vector<int>{2, 3});
    const std::vector<std::reference_wrapper<derived>> wrapped{objects[0], objects[1]};
    CHECK(parallel::map(pool, wrapped, &base::x) == expected);
    CHECK(parallel::map(
              pool, std::views::iota(1, 3) | std::views::transform([](int i) { return base(i); }),
              &base::taken) == expected);
  }
  SECTION("a reference_wrapper") {
    const std::function<int(int)> function = twice;
    CHECK(parallel::map(pool, xs, std::cref(function)) == std::vector<int>{2, 4});
  }
  SECTION("one that can be neither copied nor moved") {
    struct pinned {
      pinned() = default;
      pinned(const pinned&) = delete;
      pinned& operator=(const pinned&) = delete;
      int operator()(int x) const { return 3 * x; }
    };
    CHECK(parallel::map(pool, xs, pinned()) == std::vector<int>{3, 6});
  }
}

namespace acme {

struct points : std::vector<int> {
  using std::vector<int>::vector;
};

/// Better matches than the library's own functions, if the library used argument-dependent lookup.
template <class P, class R, class F, class O>
void for_each(P&, R&, F&, const O&) {
  throw std::logic_error("the wrong for_each");
}
template <class P, class R, class F, class O>
int map(P&, R&, F&, const O&) {
  throw std::logic_error("the wrong map");
}

} // namespace acme

TEST_CASE("map and for_each are not looked up in the element's namespace") {
  acme::points xs{1, 2};
  CHECK(parallel::map(xs, add_one) == std::vector<int>{2, 3});
  parallel::for_each(xs, [](int& x) { x = 0; });
  CHECK(xs.back() == 0);
}

TEST_CASE("map_into writes to existing storage and returns its end") {
  parallel::thread_pool pool(any_pool_size());
  const std::vector<int> xs = numbers(1'000);
  std::vector<long> out(1'001, -1);
  CHECK(parallel::map_into(pool, xs, out.begin(), twice) == out.begin() + 1'000);
  CHECK(out[999] == 1998);
  CHECK(out[1'000] == -1);

  int sums[3] = {};
  CHECK(parallel::map_into(pool, xs, std::list{1, 1, 1}, &sums[0], std::plus{}) == sums + 3);
  CHECK(sums[2] == 3);
  CHECK(parallel::map_into(std::array{1, 2}, &sums[0], twice) == sums + 2);
  CHECK(sums[1] == 4);
}

TEST_CASE("for_each may change the elements") {
  parallel::thread_pool pool(any_pool_size());
  std::vector<int> xs = numbers(10'000);
  parallel::for_each(pool, xs, [](int& x) { x += 1; });
  CHECK(xs.front() == 1);
  CHECK(xs.back() == 10'000);
  std::atomic<int> sum{0};
  parallel::for_each(std::array{1, 2}, std::array{10, 20}, [&](int a, int b) { sum += a * b; });
  CHECK(sum == 50);
}

TEST_CASE("an exception at any position is rethrown with its type") {
  parallel::thread_pool pool(any_pool_size());
  const std::size_t grain = GENERATE(std::size_t{0}, 1U, 5U);
  const std::vector<int> xs = numbers(100);
  struct failure {
    int at;
  };
  for (int at = 0; at < 100; ++at) {
    int caught = -1;
    try {
      parallel::for_each(pool, xs,
                         [&](int x) {
                           if (x == at)
                             throw failure{x};
                         },
                         {.grain = grain});
    } catch (const failure& thrown) {
      caught = thrown.at;
    }
    REQUIRE(caught == at);
  }
}

TEST_CASE("of several exceptions the one of the lowest index is rethrown") {
  parallel::thread_pool pool(any_pool_size());
  const std::size_t grain = GENERATE(std::size_t{0}, 1U, 5U);
  const std::vector<int> xs = numbers(1'000);
  for (int lowest = 0; lowest < 1'000; lowest += 37) {
    std::vector<std::atomic<bool>> ran(xs.size());
    int caught = -1;
    try {
      parallel::for_each(pool, xs,
                         [&](int x) {
                           ran[static_cast<std::size_t>(x)] = true;
                           if (x >= lowest)
                             throw x;
                         },
                         {.grain = grain});
    } catch (int x) {
      caught = x;
    }
    REQUIRE(caught == lowest);
    bool all_below = true;
    for (std::size_t i = 0; i < static_cast<std::size_t>(lowest); ++i)
      all_below = all_below && ran[i];
    REQUIRE(all_below); // elements below the failed one always finish
  }
}

TEST_CASE("elements above a failed one are skipped if they have not started") {
  // The pool's only worker is kept busy by a loop of another thread. So the caller is alone in a
  // loop that is shared nevertheless, and runs its elements in order.
  parallel::thread_pool pool(2);
  test::gate held;
  std::latch both(3);
  std::thread other([&] {
    parallel::for_each(pool, numbers(2),
                       [&](int) {
                         both.arrive_and_wait();
                         held.wait();
                       },
                       {.grain = 1});
  });
  both.arrive_and_wait();
  int last = -1;
  CHECK_THROWS_AS(parallel::for_each(pool, numbers(1'000),
                                     [&](int x) {
                                       last = x;
                                       if (x == 100)
                                         throw std::runtime_error("here");
                                     },
                                     {.grain = 1}),
                  std::runtime_error);
  CHECK(last == 100);
  held.open();
  other.join();
}

TEST_CASE("an exception is rethrown only when no element runs any more") {
  // One element throws while the other one certainly runs, and keeps running for a while.
  parallel::thread_pool pool(2);
  for (int round = 0; round < 200; ++round) {
    test::crowd running;
    std::latch both(2);
    try {
      parallel::for_each(pool, numbers(2),
                         [&](int x) {
                           const auto self = running.enter();
                           both.arrive_and_wait();
                           if (x == round % 2)
                             throw x;
                           for (int i = 0; i < 100; ++i)
                             std::this_thread::yield();
                         },
                         {.grain = 1});
    } catch (int) {
    }
    REQUIRE(running.inside() == 0);
  }
}

TEMPLATE_TEST_CASE("each result that was made before an exception is destroyed once", "",
                   test::counted, test::counted_default) {
  parallel::thread_pool pool(any_pool_size());
  for (int at = 0; at <= 100; ++at) {
    try {
      const auto results = parallel::map(pool, numbers(100), [&](int x) {
        if (x == at)
          throw x;
        return TestType(x);
      });
      CHECK(at == 100);
      CHECK(test::counted::alive == 100);
    } catch (int) {
    }
    REQUIRE(test::counted::alive == 0);
  }
}

TEST_CASE("a pool that has seen an exception works as before") {
  parallel::thread_pool pool(any_pool_size());
  for (int round = 0; round < 100; ++round) {
    CHECK_THROWS_AS(
        parallel::for_each(pool, numbers(10), [](int) { throw std::bad_function_call(); }),
        std::bad_function_call);
    REQUIRE(parallel::map(pool, numbers(10), twice).back() == 18);
  }
}

TEST_CASE(
    "maps nest to any depth, on any number of threads, without more threads than the pool has") {
  const auto threads = static_cast<std::size_t>(GENERATE(range(1, 9)));
  parallel::thread_pool pool(threads);
  const std::size_t grain = GENERATE(std::size_t{0}, 1U);
  const std::vector<int> xs = numbers(10);
  const parallel::map_options options{.grain = grain};
  const auto sum_of = [](const std::vector<int>& values) {
    int sum = 0;
    for (const int value : values)
      sum += value;
    return sum;
  };
  for (int round = 0; round < 5; ++round) {
    test::crowd computing;
    const auto outer = parallel::map(
        pool, xs,
        [&](int a) {
          return sum_of(parallel::map(
              pool, xs,
              [&](int b) {
                return sum_of(parallel::map(
                    pool, xs,
                    [&](int c) {
                      const auto self = computing.enter();
                      return a * 100 + b * 10 + c;
                    },
                    options));
              },
              options));
        },
        options);
    REQUIRE(sum_of(outer) == 999 * 1000 / 2);
    REQUIRE(computing.most() <= static_cast<int>(threads)); // no more threads than asked for
  }
}

TEST_CASE("a caller that waits runs elements of the maps that its elements call") {
  parallel::thread_pool pool(2);
  const auto caller = std::this_thread::get_id();
  for (int round = 0; round < 500; ++round) {
    std::latch both(2);
    std::latch inner(2);
    parallel::for_each(pool, numbers(2),
                       [&](int) {
                         both.arrive_and_wait(); // one on the caller, one on the only worker
                         if (std::this_thread::get_id() == caller)
                           return;
                         parallel::for_each(pool, numbers(2), [&](int) { inner.arrive_and_wait(); },
                                            {.grain = 1});
                       },
                       {.grain = 1});
  }
}

TEST_CASE("exceptions pass through nested maps") {
  parallel::thread_pool pool(any_pool_size());
  const std::vector<int> xs = numbers(20);
  int caught = -1;
  try {
    parallel::for_each(pool, xs,
                       [&](int a) {
                         parallel::for_each(pool, xs,
                                            [&](int b) {
                                              if (a >= 7 && b >= 3)
                                                throw a * 100 + b;
                                            },
                                            {.grain = 1});
                       },
                       {.grain = 1});
  } catch (int at) {
    caught = at;
  }
  CHECK(caught == 703);
}

TEST_CASE("a lock may be held across a nested map") {
  // A caller that ran other elements of the outer map while it waits would lock the mutex again.
  parallel::thread_pool pool(any_pool_size());
  std::mutex mutex;
  int total = 0;
  for (int round = 0; round < 200; ++round)
    parallel::for_each(pool, numbers(16),
                       [&](int) {
                         const std::lock_guard lock(mutex);
                         const auto inner = parallel::map(pool, numbers(16), add_one, {.grain = 1});
                         total += inner.back();
                       },
                       {.grain = 1});
  CHECK(total == 200 * 16 * 16);
}

TEST_CASE("one pool serves many calling threads at once") {
  parallel::thread_pool pool(any_pool_size());
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 6; ++caller)
    callers.emplace_back([&] {
      const std::vector<int> xs = numbers(500);
      for (int round = 0; round < 50; ++round) {
        const auto doubled = parallel::map(pool, xs, twice, {.grain = 3});
        for (std::size_t i = 0; i < xs.size(); ++i)
          if (doubled[i] != 2 * xs[i])
            ++wrong;
      }
    });
  for (std::thread& caller : callers)
    caller.join();
  CHECK(wrong == 0);
}

namespace common_names {
/// A user's functions with common names: the library must not call them by mistake.
struct points : std::vector<int> {
  using std::vector<int>::vector;
};
template <class... Xs>
int call(const Xs&...) {
  FAIL("the user's call() was called");
  return 0;
}
inline std::size_t size_hint(const points&) {
  return 1;
}
} // namespace common_names

TEST_CASE("map does not call functions of the user's namespace") {
  const common_names::points xs = {1, 2, 3};
  const auto twice = [](int x) { return 2 * x; };
  CHECK(parallel::map(xs, twice) == std::vector<int>{2, 4, 6});
  struct callable : common_names::points {
    int operator()(int x) const { return 3 * x; }
  };
  CHECK(parallel::map(xs, callable{}) == std::vector<int>{3, 6, 9});
}

TEST_CASE("a large result in fresh memory, whose pages all threads fault in, is complete") {
  // 12 MiB: several parts, which threads fault in at once.
  const auto n = static_cast<std::size_t>(3) << 20;
  parallel::thread_pool pool(4);
  const auto numbers = std::views::iota(std::size_t{0}, n);
  for (int round = 0; round < 3; ++round) {
    const std::vector<std::uint32_t> made = parallel::map(
        pool, numbers, [](std::size_t i) { return static_cast<std::uint32_t>(3 * i); });
    REQUIRE(made.size() == n);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < n; ++i)
      wrong += made[i] == static_cast<std::uint32_t>(3 * i) ? 0 : 1;
    CHECK(wrong == 0);
  }
}
