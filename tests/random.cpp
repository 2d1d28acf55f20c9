// Random numbers: those that Philox's authors published, and the same on any number of threads.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/random.hpp>
#include <parallel/serial.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using parallel::random_engine;
using test::numbers;

static_assert(std::uniform_random_bit_generator<random_engine>);

TEST_CASE("the generator gives the numbers that its authors published") {
  // Random123's known answers for philox4x32-10.
  using block = random_engine::block;
  CHECK(random_engine::philox({0, 0, 0, 0}, {0, 0}) ==
        block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t all = 0xffffffff;
  CHECK(random_engine::philox({all, all, all, all}, {all, all}) ==
        block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(random_engine::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                              {0xa4093822, 0x299f31d0}) ==
        block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("different streams and seeds give different numbers, and the same ones repeat") {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    for (std::uint64_t stream = 0; stream < 10; ++stream) {
      random_engine numbers_of(seed, stream);
      random_engine again(seed, stream);
      for (int i = 0; i < 10; ++i) {
        const std::uint64_t number = numbers_of();
        CHECK(seen.insert(number).second);
        REQUIRE(again() == number);
      }
    }
}

TEST_CASE("a callable that takes random numbers gets the same ones on any executor") {
  const auto walk = [](int steps, random_engine& random) {
    std::normal_distribution<double> step;
    double position = 0;
    for (int i = 0; i < steps % 10; ++i)
      position += step(random);
    return position;
  };
  const auto expected = parallel::map(parallel::serial, numbers(2'000), walk, {.seed = 7});
  for (const std::size_t threads : {1U, 2U, 3U, 8U}) {
    parallel::thread_pool pool(threads);
    CHECK(parallel::map(pool, numbers(2'000), walk, {.seed = 7}) == expected);
  }
  parallel::io_pool io;
  CHECK(parallel::map(io, numbers(2'000), walk, {.seed = 7}) == expected);
  CHECK(parallel::map(numbers(2'000), walk, {.seed = 8}) != expected);
  CHECK(parallel::map(numbers(2'000), walk) ==
        parallel::map(parallel::serial, numbers(2'000), walk, {.seed = 0}));
}

TEST_CASE("a callable of two ranges takes random numbers after its elements") {
  const auto sums = parallel::map(numbers(3), numbers(3), [](int x, int y, random_engine& random) {
    return static_cast<std::uint64_t>(x + y) + random() % 2;
  });
  CHECK(sums.size() == 3);
  parallel::for_each(numbers(3), [](int, random_engine& random) { random(); }, {.seed = 1});
}

TEST_CASE("member functions take random numbers too, and the grain does not change them") {
  struct walker {
    int steps;
    std::uint64_t walk(random_engine& random) const {
      return random() % 10 + static_cast<std::uint64_t>(steps);
    }
  };
  const std::vector<walker> walkers(500, walker{3});
  const auto expected = parallel::map(parallel::serial, walkers, &walker::walk, {.seed = 1});
  for (const std::size_t grain : {1U, 7U, 500U})
    CHECK(parallel::map(walkers, &walker::walk, {.grain = grain, .seed = 1}) == expected);
}

TEST_CASE(
    "a seed for a callable that takes no random numbers is refused, and the message names it") {
  std::string message;
  try {
    parallel::map(numbers(3), [](int x) { return x; }, {.seed = 12'345});
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  CHECK(message.find("12345") != std::string::npos);
}
