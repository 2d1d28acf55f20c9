// The end of a time limit, which many threads check before each element.
//
// To read the system's clock takes as long as a short element. While the end is far away, a check
// therefore reads only the quick clock, which is not exact but takes a few nanoseconds.
#pragma once

#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstdint>

namespace parallel::detail {

/// The end of a time limit, on the steady clock. Any number of threads may call const members at
/// once.
class deadline {
 public:
  static constexpr std::int64_t none = INT64_MAX;

  /// `ns` nanoseconds from now on; `none` for no limit.
  explicit deadline(std::int64_t ns) noexcept {
    if (ns != none) {
      const std::int64_t now = steady_ns();
      end_ = ns < none - now ? now + ns : none;
    }
  }

  deadline(const deadline& other) noexcept : end_(other.end_) {}
  deadline& operator=(const deadline&) = delete;

  [[nodiscard]] bool exists() const noexcept { return end_ != none; }

  /// Never true before the end. Never false after it either, provided that the quick clock runs at
  /// half its assumed speed or faster.
  [[nodiscard]] bool has_passed() const noexcept {
    if (!exists())
      return false;
    const std::uint64_t now = quick_clock::now();
    // relaxed: any thread's last reading will do. `since` is negative if this processor's clock
    // lags behind that of the thread that took the reading, or was set back.
    const double since = quick_clock::ns_between(last_far_.load(memory_order_relaxed), now);
    if (since >= 0 && since < far_ns / 2)
      return false;
    const std::int64_t left = ns_left();
    last_far_.store(left > far_ns ? now : 0, memory_order_relaxed); // relaxed: as above
    return left <= 0;
  }

  /// In nanoseconds on the steady clock.
  [[nodiscard]] std::int64_t end() const noexcept { return end_; }

  /// Nanoseconds until the end; negative once it has passed.
  [[nodiscard]] std::int64_t ns_left() const noexcept { return end_ - steady_ns(); }

 private:
  /// If the end is further away than this, it is not checked again for half this time.
  static constexpr std::int64_t far_ns = 200'000;

  std::int64_t end_ = none;

  // When a check last found the end further away than far_ns, on the quick clock; 0 if it is near.
  mutable atomic<std::uint64_t> last_far_{0};
};

} // namespace parallel::detail
