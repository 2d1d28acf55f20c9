// The models' replacement for the header of the same name: Relacy's condition variables. They may
// wake up without a reason if wakes_may_be_spurious.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <chrono>
#include <mutex>

namespace parallel::detail {

class condition_variable {
 public:
  condition_variable() { impl_.init(model::wakes_may_be_spurious, $); }
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;
  ~condition_variable() { impl_.deinit($); }

  void notify_one() { impl_.notify_one($); }
  void notify_all() { impl_.notify_all($); }

  void wait(std::unique_lock<mutex>& held) {
    lockable wrapped{held};
    impl_.wait(wrapped, false, $);
  }
  template <class Ready>
  void wait(std::unique_lock<mutex>& held, const Ready& ready) {
    while (!ready())
      wait(held);
  }

  /// May time out at any moment if `longest` is less than a second, and never otherwise.
  template <class Duration>
  void wait_for(std::unique_lock<mutex>& held, const Duration& longest) {
    if (longest >= std::chrono::seconds(1))
      return wait(held);
    lockable wrapped{held};
    impl_.wait(wrapped, true, $);
  }

 private:
  /// The interface that Relacy expects of a mutex.
  struct lockable {
    std::unique_lock<mutex>& held;
    void lock(rl::debug_info_param) { held.lock(); }
    void unlock(rl::debug_info_param) { held.unlock(); }
  };

  rl::condvar<condition_variable> impl_;
};

} // namespace parallel::detail
