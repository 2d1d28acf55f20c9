// An array whose size is chosen at run time, for elements that cannot be moved.
//
// It replaces std::vector because of the compile time: each std::vector<T> costs a user of this
// library about two hundredths of a second. The elements' default constructors must not throw.
#pragma once

#include <cstddef>
#include <new>

namespace parallel::detail {

template <class T>
class fixed_array {
 public:
  /// Throws std::bad_alloc. (`new T[size]` may store the size in front of the elements. Leak
  /// checkers would then report an array that is never destroyed, such as in the default pool.)
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
