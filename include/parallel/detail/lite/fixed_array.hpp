// An array whose size is chosen when it is made, for elements that cannot be moved and are made
// without an exception.
//
// What std::vector would be used for, were it not for the compile time: each std::vector<T> costs a
// user of this library about two hundredths of a second. Entered from loop/loop.hpp,
// scheduler/job.hpp, scheduler/workers.hpp and scheduler/parking.hpp.
#pragma once

#include <cstddef>
#include <new>

namespace parallel::detail {

template <class T>
class fixed_array {
 public:
  /// Throws std::bad_alloc. (Not new T[size], which may put their number in front: then what is
  /// never destroyed, such as the default pool, looks lost to leak checkers.)
  explicit fixed_array(std::size_t size)
      : elements_(static_cast<T*>(::operator new(size * sizeof(T), alignment))), size_(size) {
    for (T& each : *this)
      ::new (static_cast<void*>(&each)) T();
  }
  fixed_array(const fixed_array&) = delete;
  fixed_array& operator=(const fixed_array&) = delete;
  ~fixed_array() {
    for (T& each : *this)
      each.~T();
    ::operator delete(elements_, alignment);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept { return elements_[i]; }
  const T& operator[](std::size_t i) const noexcept { return elements_[i]; }

  [[nodiscard]] T* begin() noexcept { return elements_; }
  [[nodiscard]] T* end() noexcept { return elements_ + size_; }
  [[nodiscard]] const T* begin() const noexcept { return elements_; }
  [[nodiscard]] const T* end() const noexcept { return elements_ + size_; }

 private:
  static constexpr std::align_val_t alignment{alignof(T)};

  T* const elements_;
  const std::size_t size_;
};

} // namespace parallel::detail
