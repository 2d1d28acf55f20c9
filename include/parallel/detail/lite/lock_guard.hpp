// Holds a mutex until the end of the scope: std::lock_guard, without <mutex>, which takes long to
// compile.
//
// For any kind of mutex. Entered wherever no condition variable needs more.
#pragma once

namespace parallel::detail {

/// The mutex is locked already.
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
