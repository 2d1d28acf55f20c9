// Holds a mutex until the end of the scope: std::lock_guard without <mutex>.
//
// It works with any mutex class, such as those that the tests use instead of the library's. Code
// that waits on a condition variable uses std::unique_lock.
#pragma once

namespace parallel::detail {

/// Tag: the calling thread has locked the mutex already.
struct adopt_lock_t {};
inline constexpr adopt_lock_t adopt_lock{};

template <class Mutex>
class [[nodiscard]] lock_guard {
 public:
  explicit lock_guard(Mutex& held) noexcept : mutex_(held) { mutex_.lock(); }
  lock_guard(Mutex& held, adopt_lock_t) noexcept : mutex_(held) {}
  lock_guard(const lock_guard&) = delete;
  lock_guard& operator=(const lock_guard&) = delete;
  ~lock_guard() { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};

} // namespace parallel::detail
