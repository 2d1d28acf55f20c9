// A clock for the models, on which no time passes: schedules are to be repeatable. Who looks around
// before a sleep does so once.
#pragma once

#include <cstdint>

namespace parallel::detail {

inline std::int64_t steady_ns() {
  return 0;
}

class quick_clock {
 public:
  static constexpr unsigned pauses_a_look = 1;

  static std::uint64_t now() { return 0; }
  static double ns_between(std::uint64_t, std::uint64_t) { return 1e6; }
  static void calibrate() {}
};

} // namespace parallel::detail
