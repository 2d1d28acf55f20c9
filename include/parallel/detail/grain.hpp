// How much work is worth taking at once, measured rather than guessed.
//
// `call_site` remembers what an element costs for one combination of callable and range types;
// `pace` sizes one participant's claims so that each lasts about ten microseconds: long enough to
// hide the price of a claim, short enough that the end of a loop stays balanced. Entered from
// loop.hpp.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace parallel::detail {

template <class TimePoint>
double nanoseconds_between(TimePoint from, TimePoint to) noexcept {
  return std::chrono::duration<double, std::nano>(to - from).count();
}

/// How long one claim should last.
inline constexpr double claim_ns = 10'000;

/// Below this much work in all, a call stays on its caller: waking a parked worker costs more.
inline constexpr double worth_sharing_ns = 10'000;

/// The running estimate of an element's cost at one call site: one combination of range and
/// callable types, so that functions of one type share an estimate, and lambdas have one each. It
/// is shared by all threads: a lost update costs a little precision, nothing else, so all is
/// relaxed.
class call_site {
 public:
  /// Nanoseconds per element; 0 when nothing is known yet.
  [[nodiscard]] double estimate() const noexcept {
    return static_cast<double>(ns_per_element_.load(std::memory_order_relaxed));
  }

  /// Blends a new measurement into the estimate, half and half.
  void learn(double ns, std::size_t elements) noexcept {
    if (elements == 0)
      return;
    const double measured = ns / static_cast<double>(elements);
    const double known = estimate();
    const double blended = known > 0 ? (known + measured) / 2 : measured;
    ns_per_element_.store(static_cast<float>(std::max(blended, 0.01)), std::memory_order_relaxed);
  }

 private:
  std::atomic<float> ns_per_element_{0};
};

/// Runs the front of [0, n) on the calling thread for as long as that is too little to share, and
/// returns how far it came: n, or the index from which sharing pays. A site of unknown cost shares
/// from the start. A body that throws leaves at once, as in the plain loop.
///
/// The elements may have become dearer than the site remembers, so the clock is looked at after the
/// first one, and then after strips that grow. `Clock` is another one in tests only.
template <class Clock = std::chrono::steady_clock, class Body>
std::size_t run_while_small(call_site& site, std::size_t n, const Body& body) {
  const double known = site.estimate();
  if (known == 0 || known * static_cast<double>(n) > worth_sharing_ns)
    return 0;
  const auto start = Clock::now();
  std::size_t done = 0;
  double elapsed = 0;
  for (std::size_t strip = 1; done < n && elapsed < worth_sharing_ns; strip *= 16) {
    const std::size_t size = std::min(strip, n - done);
    body(done, done + size);
    done += size;
    elapsed = nanoseconds_between(start, Clock::now());
  }
  site.learn(elapsed, done);
  return done;
}

/// One participant's claims. The clock is read once a claim: where one ends, the next begins.
template <class Clock>
class basic_pace {
 public:
  /// Starts from what the call site knows. With `site` null every claim is one block and nothing is
  /// measured: the user has chosen the grain.
  explicit basic_pace(const call_site* site) noexcept : measured_(site != nullptr) {
    if (const double known = site ? site->estimate() : 0; known > 0)
      wanted_ = std::clamp(claim_ns / known, 1.0, most);
  }

  /// How many blocks to claim next.
  [[nodiscard]] std::uint32_t wanted() const noexcept {
    return static_cast<std::uint32_t>(wanted_);
  }

  /// Call it before the first claim and after a pause between claims (a steal), so that the pause
  /// is not charged to them.
  void restart() noexcept {
    if (measured_)
      last_ = Clock::now();
  }

  /// Notes that a claim of `blocks` has just ended. Claims shrink at once when elements turn out
  /// dear, and at most double when they turn out cheap.
  void claimed(std::uint32_t blocks) noexcept {
    if (!measured_)
      return;
    const auto now = Clock::now();
    const double ns = std::max(nanoseconds_between(last_, now), 1.0);
    last_ = now;
    total_ns_ += ns;
    total_blocks_ += blocks;
    wanted_ = std::clamp(blocks * (claim_ns / ns), 1.0, std::min(2.0 * wanted(), most));
  }

  [[nodiscard]] double total_ns() const noexcept { return total_ns_; }
  [[nodiscard]] std::size_t total_blocks() const noexcept { return total_blocks_; }

 private:
  static constexpr double most = 1 << 30;

  bool measured_;
  double wanted_ = 1;
  typename Clock::time_point last_{};
  double total_ns_ = 0;
  std::size_t total_blocks_ = 0;
};

using pace = basic_pace<std::chrono::steady_clock>;

} // namespace parallel::detail
