// How many threads a call uses, and how many of them it wakes.
//
// A further thread gains a part of the work and costs the same each time, so the best number grows
// with the square root of the work. A thread that has to be woken must also arrive in time.
#pragma once

#include <parallel/detail/loop/tuning.hpp>

#include <cstddef>

namespace parallel::detail {

/// How many of `threads` threads, at least two, can make a call of `total_ns` of work quicker. With
/// p threads it takes total_ns / p + participant_cost_ns * p, which is least where p is the square
/// root of their quotient. `awake` workers need no wake; each of the others must have time for some
/// work after its wake. (Against a search for the best number in bench/simulation.hpp, from five
/// microseconds of work on, the first rule loses 4 % at most, the second 7 %.)
constexpr std::size_t useful_threads(double total_ns, std::size_t threads, std::size_t awake,
                                     double wake_ns) noexcept {
  const double woken = wake_ns > 0 ? total_ns / wake_ns : 0;
  const double present = static_cast<double>(awake + 1);
  std::size_t useful = 2;
  for (; useful < threads; ++useful) {
    const auto more = static_cast<double>(useful + 1);
    if (more * more * tuning::participant_cost_ns > total_ns ||
        (wake_ns > 0 && more > present + woken))
      break;
  }
  return useful;
}

struct participation {
  std::size_t threads; // the caller included
  std::size_t wakes;   // how many of them are woken; workers that are awake need no wake
};

/// For `total_ns` of work, 0 if that is not known. Little work is left to the workers that are
/// awake, if there are any: a worker woken for it would come too late, and its wake would cost the
/// caller more than it gains.
constexpr participation plan_participation(double total_ns, std::size_t threads, std::size_t awake,
                                           double wake_ns) noexcept {
  const std::size_t useful =
      total_ns == 0 ? threads : useful_threads(total_ns, threads, awake, wake_ns);
  const std::size_t present = awake + 1;
  // At least one is woken, as the workers that are awake may be busy elsewhere.
  if (total_ns == 0 || awake == 0 ||
      (total_ns > tuning::wake_break_even_ratio * wake_ns &&
       total_ns > tuning::frequent_comparison_ns))
    return {useful, useful > present ? useful - present : 1};
  return {useful < present ? useful : present, 0};
}

} // namespace parallel::detail
