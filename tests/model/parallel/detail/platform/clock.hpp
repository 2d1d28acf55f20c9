// A clock for the models, on which between two looks no time passes, or twenty milliseconds: more
// than anybody waits for who could sleep, or helps without looking for other work. Relacy chooses,
// so that a schedule can be repeated.
#pragma once

#include "relacy.hpp"

#include <cstdint>

namespace parallel::detail {

inline std::int64_t steady_ns() {
  return 0;
}

class quick_clock {
 public:
  static constexpr unsigned pauses_a_look = 2;

  static std::uint64_t now() { return 0; }
  static double ns_between(std::uint64_t, std::uint64_t) { return rl::rand(2) == 0 ? 0 : 2e7; }
  static void calibrate() {}
};

} // namespace parallel::detail
