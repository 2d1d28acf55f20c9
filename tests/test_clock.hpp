// A clock for code that takes its clock as a parameter: it stands still until a test moves it.
#pragma once

#include <chrono>
#include <cstdint>

namespace test {

struct test_clock {
  static std::uint64_t now() { return static_cast<std::uint64_t>(time.count()); }
  static double ns_between(std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(static_cast<std::int64_t>(to - from));
  }
  static void pass(std::chrono::nanoseconds passed) { time += passed; }

 private:
  static inline std::chrono::nanoseconds time = std::chrono::hours(1);
};

} // namespace test
