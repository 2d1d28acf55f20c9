// The work of the contests: elements of a given number of dependent multiplications.
//
// Each multiplication waits for the one before, so an element's cost is a latency: the same on
// every core, whatever other cores do. The work comes from a run-time number, so no compiler
// removes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

/// Takes about a nanosecond for each of `steps`. Never inlined or cloned, so that all contenders
/// run the same instructions at the same address.
#if defined(__GNUC__) && !defined(__clang__)
[[gnu::noclone]]
#endif
[[gnu::noinline]] inline std::uint64_t
multiply(std::uint64_t x, std::uint32_t steps) {
  for (; steps != 0; --steps)
    x *= 0x9E37'79B9'7F4A'7C15;
  return x;
}

/// The same work for all elements: the grid of bench/overhead.
struct uniform_work {
  std::uint32_t steps;
  std::uint64_t operator()(std::uint64_t x) const { return multiply(x, steps); }
};

/// The element is its own amount of work.
struct own_work {
  std::uint64_t operator()(std::uint32_t steps) const { return multiply(steps | 1, steps); }
};

inline std::vector<std::uint64_t> numbers(std::size_t n) {
  std::vector<std::uint64_t> xs(n);
  for (std::size_t i = 0; i < n; ++i)
    xs[i] = i;
  return xs;
}

} // namespace bench
