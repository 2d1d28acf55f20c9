// Calls on an io_pool that are repeated when they throw.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <ranges>

using namespace std::chrono_literals;
using parallel::backoff_time;
using parallel::io_map_options;
using parallel::io_pool;
using parallel::detail::wait_ns;
using test::numbers;
using test::token;

namespace {

constexpr std::int64_t ms = 1'000'000;

/// std::copy_constructible, but it cannot be copied.
using owned_texts = std::vector<std::unique_ptr<std::string>>;

owned_texts texts(int n) {
  return owned_texts(static_cast<std::size_t>(n));
}

/// Requests a stop on threads that have set `here`: no call is repeated there.
struct gives_up {
  static inline thread_local bool here = false;
  [[nodiscard]] bool stop_requested() const { return here; }
};

} // namespace

TEST_CASE("a call is repeated until it succeeds, at most `retries` times") {
  io_pool io({.max_threads = 4});
  std::vector<std::atomic<int>> calls(100);
  const auto fails = [&](int x) {
    if (calls[static_cast<std::size_t>(x)]++ < x % 4)
      throw std::runtime_error(std::to_string(x));
    return x;
  };
  CHECK(parallel::map(io, numbers(100), fails, {.retries = 3}) == numbers(100));
  for (std::size_t x = 0; x < 100; ++x)
    REQUIRE(calls[x] == static_cast<int>(x % 4) + 1);
}

TEST_CASE("the exception of the last call counts when all have failed") {
  io_pool io({.max_threads = 4});
  std::atomic<int> calls{0};
  CHECK_THROWS_WITH(
      parallel::map(io, numbers(1),
                    [&](int) -> int { throw std::runtime_error(std::to_string(++calls)); },
                    {.retries = 2}),
      "3");
}

TEST_CASE("without retries each call is made once") {
  io_pool io({.max_threads = 2});
  std::atomic<int> calls{0};
  CHECK_THROWS_AS(parallel::for_each(io, numbers(1),
                                     [&](int) {
                                       ++calls;
                                       throw std::runtime_error("no");
                                     }),
                  std::runtime_error);
  CHECK(calls == 1);
}

TEST_CASE("retries work with try_map, map_into and two ranges") {
  io_pool io({.max_threads = 3});
  std::vector<std::atomic<int>> calls(10);
  const auto second_time = [&](int x, int y) {
    if (calls[static_cast<std::size_t>(x)]++ == 0)
      throw std::runtime_error("first");
    return x + y;
  };
  const auto reset = [&] {
    for (auto& each : calls)
      each = 0;
  };
  const auto tried = parallel::try_map(io, numbers(10), numbers(10), second_time, {.retries = 1});
  for (std::size_t i = 0; i < 10; ++i)
    CHECK(tried[i].value() == static_cast<int>(2 * i));
  reset();
  std::vector<int> out(10);
  parallel::map_into(io, numbers(10), numbers(10), out.begin(), second_time, {.retries = 1});
  CHECK(out[9] == 18);
}

TEST_CASE("a call that is repeated gets its element whole") {
  io_pool io({.max_threads = 2});
  std::istringstream words("one two three");
  std::vector<std::atomic<int>> calls(6);
  const auto read = parallel::map(
      io, std::views::istream<std::string>(words) | std::views::transform([](std::string& word) {
            return std::move(word); // a range of rvalues
          }),
      [&](std::string word) {
        if (calls[word.size()]++ == 0)
          throw std::runtime_error(word);
        return word;
      },
      {.in_flight = 1, .retries = 2});
  CHECK(read == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("a call that takes an element that cannot be copied is made once") {
  io_pool io({.max_threads = 2});
  std::atomic<int> calls{0};
  const auto owners = std::views::iota(0, 3) |
                      std::views::transform([](int x) { return std::make_unique<int>(x); });
  CHECK_THROWS_AS(parallel::for_each(io, owners,
                                     [&](std::unique_ptr<int> x) {
                                       ++calls;
                                       throw std::runtime_error(std::to_string(*x));
                                     },
                                     {.in_flight = 1, .retries = 5}),
                  std::runtime_error);
  CHECK(calls == 1);
  const auto lists = std::views::iota(0, 3) | std::views::transform([](int) {
                       return std::vector<std::unique_ptr<int>>(2);
                     });
  CHECK(parallel::map(io, lists, [](const auto& list) { return list.size(); }) ==
        std::vector<std::size_t>{2, 2, 2});
}

TEST_CASE("map on an io_pool takes elements of every kind that map on a thread_pool takes") {
  parallel::thread_pool pool(2);
  io_pool io({.max_threads = 2});
  const auto agree = [&]<class T>(T (*make)(int), auto look) {
    const auto made = std::views::iota(0, 20) | std::views::transform(make);
    return parallel::map(io, made, look) == parallel::map(pool, made, look);
  };
  struct inside {
    owned_texts texts;
  };
  struct behind_others {
    int numbers[20];
    std::string name;
    std::function<void()> call;
    inside last;
  };
  struct children {
    std::vector<children> below;
    int value;
  };
  CHECK(agree(
      +[](int x) { return inside{texts(x)}; },
      [](const inside& element) { return element.texts.size(); }));
  CHECK(agree(
      +[](int x) {
        return behind_others{{}, {}, {}, {texts(x)}};
      },
      [](behind_others element) { return element.last.texts.size(); }));
  CHECK(agree(
      +[](int x) { return std::pair(x, texts(x)); },
      [](const auto& element) { return element.second.size(); }));
  CHECK(agree(
      +[](int x) { return std::tuple(x, inside{texts(x)}); },
      [](const auto& element) { return std::get<1>(element).texts.size(); }));
  CHECK(agree(
      +[](int x) { return std::variant<int, owned_texts>(texts(x)); },
      [](const auto& element) { return element.index(); }));
  CHECK(agree(
      +[](int x) {
        return children{{{{}, x}}, x};
      },
      [](const children& element) { return element.below.size(); }));
}

TEST_CASE("a call that could move from a member of its element gets a copy of the element") {
  struct word {
    int number;
    std::optional<int> none;
    std::vector<std::string> texts;
  };
  io_pool io({.max_threads = 2});
  std::vector<std::atomic<int>> calls(3);
  const auto lengths = parallel::map(io, std::views::iota(0, 3) | std::views::transform([](int x) {
                                           return word{x, {}, {std::string(40, 'x')}};
                                         }),
                                     [&](word element) {
                                       const std::string taken = std::move(element.texts[0]);
                                       if (calls[static_cast<std::size_t>(element.number)]++ < 2)
                                         throw std::runtime_error("again");
                                       return taken.size();
                                     },
                                     {.retries = 2});
  CHECK(lengths == std::vector<std::size_t>{40, 40, 40});
}

TEST_CASE("a wait before a repetition ends when a lower element has failed for good") {
  const bool waits_for_turn = GENERATE(false, true);
  io_pool io({.max_threads = 2});
  const parallel::start_rate rate = 10;
  std::latch both(2);
  std::atomic<int> calls{0};
  io_map_options options{.retries = 3, .stop = gives_up()};
  if (waits_for_turn)
    options.rate = rate;
  else
    options.backoff = 1h;
  CHECK_THROWS_WITH(parallel::for_each(
                        io, numbers(2),
                        [&](int x) {
                          ++calls;
                          both.arrive_and_wait();
                          if (x == 0)
                            gives_up::here = true;
                          else
                            for (int turn = 0; turn < 36'000; ++turn) // an hour's
                              static_cast<void>(rate.limiter()->reserve_turn(0));
                          throw std::runtime_error(std::to_string(x));
                        },
                        options),
                    "0");
  CHECK(calls == 2);
  gives_up::here = false;
}

TEST_CASE("try_map repeats the call for an element although a lower one has failed for good") {
  io_pool io({.max_threads = 2});
  std::latch both(2);
  std::atomic<int> calls{0};
  const auto tried = parallel::try_map(io, numbers(2),
                                       [&](int x) {
                                         if (x == 0) {
                                           both.arrive_and_wait();
                                           gives_up::here = true;
                                         } else if (++calls == 1) {
                                           both.arrive_and_wait();
                                         }
                                         std::this_thread::yield();
                                         throw std::runtime_error(std::to_string(x));
                                       },
                                       {.retries = 200, .stop = gives_up()});
  gives_up::here = false;
  CHECK(calls == 201);
  CHECK_FALSE(tried[0]);
  CHECK_FALSE(tried[1]);
}

TEST_CASE(
    "calls of an inner map are repeated although a lower element of the outer one has failed") {
  io_pool io({.max_threads = 2});
  const std::size_t in_flight = GENERATE(1U, 2U);
  std::latch both(2);
  std::atomic<int> calls{0};
  const auto fail = [&](int x) {
    if (x == 0)
      return;
    if (++calls == 1)
      both.arrive_and_wait();
    std::this_thread::yield();
    throw std::runtime_error("inner");
  };
  CHECK_THROWS_WITH(parallel::for_each(io, numbers(2),
                                       [&](int x) {
                                         if (x == 0) {
                                           both.arrive_and_wait();
                                           throw std::runtime_error("outer");
                                         }
                                         parallel::for_each(
                                             io, numbers(2), fail,
                                             {.in_flight = in_flight, .retries = 200});
                                       }),
                    "outer");
  CHECK(calls == 201);
}

TEST_CASE("no call is repeated once a stop is requested") {
  io_pool io({.max_threads = 2});
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  CHECK_THROWS_AS(parallel::for_each(io, numbers(1),
                                     [&](int) {
                                       ++calls;
                                       stop = true;
                                       throw std::runtime_error("no");
                                     },
                                     {.retries = 5, .backoff = 1h, .stop = token{&stop}}),
                  std::runtime_error);
  CHECK(calls == 1);
}

TEST_CASE("no call is repeated when the deadline would pass before it") {
  io_pool io({.max_threads = 2});
  std::atomic<int> calls{0};
  CHECK_THROWS_AS(parallel::for_each(io, numbers(1),
                                     [&](int) {
                                       ++calls;
                                       throw std::runtime_error("no");
                                     },
                                     {.retries = 5, .backoff = 2h, .deadline = 1h}),
                  std::runtime_error);
  CHECK(calls == 1);
}

TEST_CASE("waits begin between half of the first and all of it, and double up to the longest") {
  const backoff_time backoff(100ms, 1s, 7);
  const std::int64_t whole[] = {100 * ms, 200 * ms, 400 * ms, 800 * ms, 1000 * ms, 1000 * ms};
  for (std::size_t i = 0; i < 1'000; ++i)
    for (std::size_t retry = 0; retry < std::size(whole); ++retry) {
      const std::int64_t wait = wait_ns(backoff, i, retry);
      REQUIRE(wait >= whole[retry] / 2);
      REQUIRE(wait <= whole[retry]);
    }
  CHECK(wait_ns(backoff, 3, 1'000'000) <= 1000 * ms);
  CHECK(wait_ns(backoff_time(), 0, 0) == 0);
  CHECK(backoff_time(100ms).most_ns() == 6'400 * ms);
  CHECK(wait_ns(backoff_time(24h * 365 * 400), 0, 3) > 0); // no overflow
}

TEST_CASE("waits are alike for the same seed, and differ between elements") {
  const backoff_time one(100ms, 1s, 7);
  const backoff_time alike(100ms, 1s, 7);
  const backoff_time other(100ms, 1s, 8);
  CHECK(wait_ns(one, 5, 2) == wait_ns(alike, 5, 2));
  CHECK(wait_ns(one, 5, 2) != wait_ns(one, 6, 2));
  CHECK(wait_ns(one, 5, 2) != wait_ns(other, 5, 2));
}

TEST_CASE("a backoff that makes no sense is refused, and the message names it") {
  CHECK_THROWS_WITH(backoff_time(-3s), "parallel: the backoff is -3 s, must not be negative");
  CHECK_THROWS_WITH(backoff_time(1s, -2s),
                    "parallel: the longest backoff is -2 s, must not be negative");
  io_pool io({.max_threads = 2});
  CHECK_THROWS_WITH(parallel::map(io, numbers(2), [](int x) { return x; }, {.backoff = 1s}),
                    "parallel: a backoff is given, but retries is 0");
}

TEST_CASE("a call is repeated with an element that refers to what cannot be copied") {
  struct part {
    std::span<std::unique_ptr<int>> numbers;
    std::vector<std::unique_ptr<int>>::iterator first;
  };
  parallel::io_pool io({.max_threads = 2});
  std::vector<std::unique_ptr<int>> numbers(4);
  std::atomic<int> calls{0};
  const std::vector<int> one(1);
  parallel::for_each(io, one | std::views::transform([&](int) {
                           return part{numbers, numbers.begin()};
                         }),
                     [&](const part&) {
                       if (++calls < 3)
                         throw std::runtime_error("not yet");
                     },
                     {.retries = 5});
  CHECK(calls == 3);
}
