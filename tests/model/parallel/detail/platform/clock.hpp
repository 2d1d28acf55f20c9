// The models' replacement for the header of the same name: between two readings either no time
// passes, or twenty milliseconds, which is longer than a thread spins before it sleeps, or helps
// before it checks for other work. Relacy chooses, so that a schedule can be repeated.
#pragma once

#include "relacy.hpp"

#include <cstdint>

namespace parallel::detail {

inline std::int64_t steady_ns() {
  return 0;
}

class quick_clock {
 public:
  static constexpr unsigned pauses_per_reading = 2;

  static std::uint64_t now() { return 0; }
  static double ns_between(std::uint64_t, std::uint64_t) { return rl::rand(2) == 0 ? 0 : 2e7; }
  static void calibrate() {}
};

} // namespace parallel::detail
