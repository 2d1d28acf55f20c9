// Calls the progress hook of an imap, on the consumer's thread.
//
// The consumer asks for a report after each result; the reporter calls the hook only when enough
// time has passed since the last report, and for the last one exactly once.
#pragma once

#include <parallel/detail/control/controlled_body.hpp>
#include <parallel/detail/platform/clock.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

class progress_reporter {
 public:
  /// `hook` may be empty: then there is nothing to report. `total` may be progress::unknown.
  progress_reporter(const controlled_body::progress_call& hook, std::size_t total)
      : hook_(hook), total_(total) {}

  /// Reports that `consumed` results have been consumed. `last` says that no more will be: the
  /// first such call reports in any case, and later calls never do. Throws what the hook throws.
  void report(std::size_t consumed, bool last) {
    if (!hook_)
      return;
    const std::int64_t now = steady_ns();
    if (reported_last_ || (!last && now - reported_ns_ < controlled_body::report_interval_ns))
      return;
    reported_ns_ = now;
    reported_last_ = last;
    hook_({consumed, total_, static_cast<double>(now - start_ns_) * 1e-9, last});
  }

  /// Destroys the hook.
  void destroy() noexcept { hook_ = {}; }

 private:
  controlled_body::progress_call hook_;
  const std::size_t total_;
  const std::int64_t start_ns_ = steady_ns();
  std::int64_t reported_ns_ = start_ns_;
  bool reported_last_ = false;
};

} // namespace parallel::detail
