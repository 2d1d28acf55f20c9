// The end of a time limit: when it is, and whether it has passed, asked often and by many threads.
//
// A deadline is asked before each element, where a look at the system's clock costs as much as a
// short element. So while the end is far, the quick clock's word is enough. Entered from
// control/controlled_body.hpp, stream/window.hpp, io/retry.hpp and as_completed.hpp.
#pragma once

#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstdint>

namespace parallel::detail {

/// The end of a time limit on the steady clock. All that is const may be called by any number of
/// threads at once.
class deadline {
 public:
  static constexpr std::int64_t none = INT64_MAX;

  /// `ns` from now on, in nanoseconds.
  explicit deadline(std::int64_t ns) noexcept {
    if (ns != none) {
      const std::int64_t now = steady_ns();
      end_ = ns < none - now ? now + ns : none;
    }
  }

  deadline(const deadline& other) noexcept : end_(other.end_) {}
  deadline& operator=(const deadline&) = delete;

  [[nodiscard]] bool exists() const noexcept { return end_ != none; }

  /// Never true too early, nor false too late, provided that the quick clock goes at no less than
  /// half its speed.
  [[nodiscard]] bool has_passed() const noexcept {
    if (!exists())
      return false;
    const std::uint64_t now = quick_clock::now();
    // relaxed: any thread's look will do. Below 0: this processor's clock lags behind that of who
    // looked, or was set back.
    const double since = quick_clock::ns_between(far_at_.load(memory_order_relaxed), now);
    if (since >= 0 && since < far_ns / 2)
      return false;
    const std::int64_t left = ns_left();
    far_at_.store(left > far_ns ? now : 0, memory_order_relaxed);
    return left <= 0;
  }

  [[nodiscard]] std::int64_t end() const noexcept { return end_; } ///< on the steady clock

  /// Below zero once it has passed.
  [[nodiscard]] std::int64_t ns_left() const noexcept { return end_ - steady_ns(); }

 private:
  static constexpr std::int64_t far_ns = 200'000;

  std::int64_t end_ = none;
  mutable atomic<std::uint64_t> far_at_{0}; // when the end was far, on the quick clock; or 0
};

} // namespace parallel::detail
