// Cheap sampling: true once in n calls, at random.
//
// A count would do the same in a pattern that a program's own pattern could match. (The random
// numbers that users get are in random.hpp.)
#pragma once

#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/task/thread_context.hpp>

#include <cstdint>

namespace parallel::detail {

/// True for about one in `interval` numbers, be they points in time or random numbers: the upper
/// bits of this product are as good as random.
constexpr bool is_sampled(std::uint64_t interval, std::uint64_t number) noexcept {
  return number * 0x9E37'79B9'7F4A'7C15 <= ~std::uint64_t{0} / interval;
}

/// The calling thread's next random number, in less time than a clock reading takes: Knuth's linear
/// congruential generator (MMIX). The sequence starts from the clock, so that it differs from
/// thread to thread even in threads that make only a few calls.
inline std::uint64_t next_random() noexcept {
  auto& state = this_thread.random_state;
  if (state == 0)
    state = quick_clock::now();
  return state = state * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
}

} // namespace parallel::detail
