// Condition variables, in the models. They wake up for no reason now and then.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <mutex>

namespace parallel::detail {

class condition_variable {
 public:
  void notify_one() { impl_.notify_one($); }
  void notify_all() { impl_.notify_all($); }

  void wait(std::unique_lock<mutex>& held) {
    lockable wrapped{held};
    impl_.wait(wrapped, $);
  }
  template <class Ready>
  void wait(std::unique_lock<mutex>& held, const Ready& ready) {
    while (!ready())
      wait(held);
  }

  /// Waits until it is notified, or no longer.
  void wait_or_not(std::unique_lock<mutex>& held) {
    lockable wrapped{held};
    impl_.wait_for(wrapped, 1, $);
  }

 private:
  /// As Relacy wants it.
  struct lockable {
    std::unique_lock<mutex>& held;
    void lock(rl::debug_info_param) { held.lock(); }
    void unlock(rl::debug_info_param) { held.unlock(); }
  };

  rl::condition_variable impl_;
};

} // namespace parallel::detail
