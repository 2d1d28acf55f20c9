// Strings without <string> and <string_view>, which take long to compile: a view, and a concept for
// what it can be made from.
//
// Options that are texts, such as thread_name and progress_description, accept strings of any kind.
#pragma once

#include <concepts>
#include <cstddef>

namespace parallel::detail {

/// Consecutive characters of a string that must outlive the view.
class text_view {
 public:
  constexpr text_view(const char* data, std::size_t size) noexcept : data_(data), size_(size) {}

  /// Up to the null character.
  constexpr explicit text_view(const char* text) noexcept : data_(text) {
    while (text[size_] != '\0')
      ++size_;
  }

  [[nodiscard]] constexpr const char* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  constexpr char operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  const char* data_;
  std::size_t size_ = 0;
};

/// std::string, std::string_view and their like; not what a `const char*` is made from implicitly.
template <class String>
concept string_like =
    !std::convertible_to<const String&, const char*> && requires(const String& string) {
  { string.data() } -> std::same_as<const char*>;
  { string.size() } -> std::convertible_to<std::size_t>;
};

} // namespace parallel::detail
