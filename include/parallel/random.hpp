// Random numbers for simulations that give the same results on any number of threads: each element
// has a stream of its own.
//
// A callable that takes a random_engine& after its elements gets an engine that is made from the
// option `seed` and the element's index:
// parallel::map(trials, [](int trial, parallel::random_engine& random) { … }, {.seed = 7}).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace parallel {

/// A uniform random bit generator for use with the distributions of `<random>`.
///
/// There are 2^64 seeds. Each has 2^64 streams of 2^65 numbers, and streams never overlap. The
/// generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1,
/// 2, 3; 2011), which passes BigCrush. It is not for cryptography.
///
/// An engine has 48 bytes. Making one costs next to nothing, and a number about three nanoseconds.
/// Not thread-safe.
class random_engine {
 public:
  using result_type = std::uint64_t; ///< The type of the numbers.

  /// An engine at the first number of stream `stream` of seed `seed`.
  explicit constexpr random_engine(std::uint64_t seed, std::uint64_t stream = 0) noexcept
      : seed_(seed), stream_(stream) {}

  static constexpr result_type min() noexcept { return 0; }          ///< The smallest number.
  static constexpr result_type max() noexcept { return UINT64_MAX; } ///< The largest number.

  /// Returns the next number of the stream.
  constexpr result_type operator()() noexcept {
    if (left_ == 0) {
      const block made = philox({low(position_), high(position_), low(stream_), high(stream_)},
                                {low(seed_), high(seed_)});
      ++position_;
      numbers_ = {std::uint64_t{made[1]} << 32 | made[0], std::uint64_t{made[3]} << 32 | made[2]};
      left_ = 2;
    }
    return numbers_[2 - left_--];
  }

  // Public for the test that compares them with the published numbers: Philox's own words for its
  // input and output, and for its key.
  using block = std::array<std::uint32_t, 4>;
  using key = std::array<std::uint32_t, 2>;

  /// Philox4x32-10: turns a position into four random numbers of 32 bits, in ten rounds.
  static constexpr block philox(block x, key k) noexcept {
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t a = std::uint64_t{0xD251'1F53} * x[0];
      const std::uint64_t b = std::uint64_t{0xCD9E'8D57} * x[2];
      x = {high(b) ^ x[1] ^ k[0], low(b), high(a) ^ x[3] ^ k[1], low(a)};
      k = {k[0] + 0x9E37'79B9, k[1] + 0xBB67'AE85};
    }
    return x;
  }

 private:
  static constexpr std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
  static constexpr std::uint32_t high(std::uint64_t x) { return low(x >> 32); }

  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t position_ = 0;
  std::array<std::uint64_t, 2> numbers_{};
  std::size_t left_ = 0;
};

} // namespace parallel
