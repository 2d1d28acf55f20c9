// An array whose size is chosen when it is made, for elements that cannot be moved.
//
// What std::vector would be used for, were it not for the compile time: each std::vector<T> costs a
// user of this library about two hundredths of a second. Entered from loop.hpp, workers.hpp and
// parking.hpp.
#pragma once

#include <cstddef>

namespace parallel::detail {

template <class T>
class fixed_array {
 public:
  /// Throws std::bad_alloc.
  explicit fixed_array(std::size_t size) : elements_(new T[size]), size_(size) {}
  fixed_array(const fixed_array&) = delete;
  fixed_array& operator=(const fixed_array&) = delete;
  ~fixed_array() { delete[] elements_; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept { return elements_[i]; }
  const T& operator[](std::size_t i) const noexcept { return elements_[i]; }

  [[nodiscard]] T* begin() noexcept { return elements_; }
  [[nodiscard]] T* end() noexcept { return elements_ + size_; }
  [[nodiscard]] const T* begin() const noexcept { return elements_; }
  [[nodiscard]] const T* end() const noexcept { return elements_ + size_; }

 private:
  T* const elements_;
  const std::size_t size_;
};

} // namespace parallel::detail
