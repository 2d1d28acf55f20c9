// How long the machine takes to wake a thread, without a pool: the lower bound for a call whose
// workers sleep.
//
// The thread sleeps as the library's workers do, and is kept off its waker's processor as they are,
// by the library's own code (detail/platform/).
#pragma once

#include "statistics.hpp"

#include <parallel/detail/platform/affinity.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/scheduler/parking.hpp>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace bench {

class bare_wake {
 public:
  struct microseconds {
    double waker; // until the waking thread can go on
    double woken; // until the thread runs, from the same moment on
  };

  bare_wake() { until_asleep(); }
  bare_wake(const bare_wake&) = delete;
  bare_wake& operator=(const bare_wake&) = delete;
  ~bare_wake() {
    ends_ = true;
    parker_.unpark();
    thread_.join();
  }

  /// The medians over `wakes` wakes, each after `idle()`.
  template <class Idle>
  microseconds measure(int wakes, const Idle& idle) {
    std::vector<double> waker;
    std::vector<double> woken;
    for (int i = 0; i < wakes; ++i) {
      idle();
      const int here = parallel::detail::this_processor();
      affinity_.exclude_instead(here);
      waker_processor_ = here;
      const std::int64_t start = parallel::detail::steady_ns();
      parker_.unpark();
      const std::int64_t went_on = parallel::detail::steady_ns();
      while (!ran_at_.load())
        parallel::detail::pause();
      waker.push_back(1e-3 * static_cast<double>(went_on - start));
      woken.push_back(1e-3 * static_cast<double>(ran_at_.load() - start));
      until_asleep();
    }
    return {median(waker), median(woken)};
  }

 private:
  void until_asleep() {
    ran_at_ = 0;
    is_parking_ = true;
    while (is_parking_)
      std::this_thread::yield();
  }

  void live() {
    for (;;) {
      while (!is_parking_)
        std::this_thread::yield();
      affinity_.exclude(waker_processor_);
      is_parking_ = false;
      parker_.park();
      if (ends_)
        return;
      ran_at_ = parallel::detail::steady_ns();
      affinity_.restore();
    }
  }

  parallel::detail::parker parker_;
  parallel::detail::wake_affinity
      affinity_; // the thread uses it while it is awake, its waker until the wake
  std::atomic<int> waker_processor_{parallel::detail::this_processor()};
  std::atomic<std::int64_t> ran_at_{0};
  std::atomic<bool> is_parking_{false};
  std::atomic<bool> ends_{false};
  std::thread thread_{[this] { live(); }};
};

} // namespace bench
