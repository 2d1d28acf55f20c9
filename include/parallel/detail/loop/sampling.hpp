// Lots, for what is done once in so many times: quicker than good.
//
// In no pattern that a program's own could match, as a count would be. Entered from
// loop/cost_model.hpp and loop/sequential_cutoff.hpp. (The random numbers that users get are in
// random.hpp.)
#pragma once

#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/task/thread_context.hpp>

#include <cstdint>

namespace parallel::detail {

/// True for about one in `many` of the numbers given, be they moments or drawn at random: the upper
/// bits of this product are as good as random.
constexpr bool one_in(std::uint64_t many, std::uint64_t number) noexcept {
  return number * 0x9E37'79B9'7F4A'7C15 <= ~std::uint64_t{0} / many;
}

/// The calling thread's next random number, in less time than a look at the clock takes: Knuth's
/// linear congruential generator (MMIX). Each thread begins elsewhere, as it may make a few calls
/// only.
inline std::uint64_t draw() noexcept {
  auto& state = this_thread.random_state;
  if (state == 0)
    state = quick_clock::now();
  return state = state * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
}

} // namespace parallel::detail
