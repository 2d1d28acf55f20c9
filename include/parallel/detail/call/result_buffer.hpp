// Room for n results that threads fill in any order, and that becomes a std::vector at the end.
//
// Each element is written by exactly one thread; if the loop throws instead, destroying the room
// destroys what was built, once each. Entered from map.hpp.
#pragma once

#include <parallel/detail/lite/members.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallel::detail {

/// Types that keep their allocator when they are assigned to, such as std::pmr::string. (What
/// std::allocator_traits would say, without <memory>, which takes long to compile.)
template <class T>
concept allocator_keeper = requires {
  typename T::allocator_type;
  requires !requires {
    requires T::allocator_type::propagate_on_container_move_assignment::value;
  };
};

/// Those and, as far as it can be found out, types with a member that does.
template <class T>
constexpr bool keeps_allocator();

struct keeping_allocator {
  template <class T>
  static constexpr bool includes = keeps_allocator<T>();
};

template <class T>
constexpr bool keeps_allocator() {
  if constexpr (allocator_keeper<T>)
    return true;
  else
    return has_member<T, keeping_allocator>();
}

/// Types whose elements can stand in the vector from the start and be assigned a `From`, with the
/// same outcome as if they were made from it. Default construction that cannot throw is taken to
/// be cheap. (To assign to a default-made std::vector<bool>::reference writes through null.)
template <class T, class From>
concept assignable_in_place = std::is_nothrow_default_constructible_v<T> &&
                              std::is_assignable_v<T&, From> && !keeps_allocator<T>() &&
                              !std::same_as<T, std::vector<bool>::reference>;

/// Less is made at once, which is quicker: nobody would prepare so little.
inline constexpr std::size_t worth_preparing_bytes = std::size_t{64} << 10;

/// n default-made elements. Before these are made, `prepare(memory, bytes)` sees the memory for
/// them, unless it is little.
template <class T, class Prepare>
std::vector<T> room_for(std::size_t n, const Prepare& prepare) {
  if (n < worth_preparing_bytes / sizeof(T))
    return std::vector<T>(n);
  std::vector<T> room;
  room.reserve(n);
  prepare(room.data(), n * sizeof(T));
  room.resize(n);
  return room;
}

/// Room for results of type T, each set from a From. The usual room is the resulting vector itself.
template <class T, class From>
class result_buffer {
 public:
  template <class Prepare>
  result_buffer(std::size_t n, const Prepare& prepare) : values_(room_for<T>(n, prepare)) {}

  /// What a loop copies to set results: writer(i, value), once for each i.
  [[nodiscard]] auto writer() noexcept {
    return [to = values_.data()]<class Value>(std::size_t i, Value&& value) {
      to[i] = std::forward<Value>(value);
    };
  }

  [[nodiscard]] std::vector<T> take() { return std::move(values_); }

 private:
  std::vector<T> values_;
};

/// Types that cannot stand there empty, such as those without a default constructor, are built in
/// a room of their own each, and moved to the vector at the end.
template <class T, class From>
requires(!assignable_in_place<T, From>) class result_buffer<T, From> {
 public:
  template <class Prepare>
  result_buffer(std::size_t n, const Prepare& prepare)
      : rooms_(room_for<std::optional<T>>(n, prepare)) {}

  [[nodiscard]] auto writer() noexcept {
    return [to = rooms_.data()]<class Value>(std::size_t i, Value&& value) {
      to[i].emplace(std::forward<Value>(value));
    };
  }

  [[nodiscard]] std::vector<T> take() {
    std::vector<T> values;
    values.reserve(rooms_.size());
    for (std::optional<T>& room : rooms_)
      values.push_back(std::move(*room));
    return values;
  }

 private:
  std::vector<std::optional<T>> rooms_;
};

/// std::vector<bool> packs neighbours into one word, which threads may not write at once: a byte
/// each until the end.
template <class From>
class result_buffer<bool, From> {
 public:
  template <class Prepare>
  result_buffer(std::size_t n, const Prepare& prepare)
      : bytes_(room_for<unsigned char>(n, prepare)) {}

  [[nodiscard]] auto writer() noexcept {
    return [to = bytes_.data()](std::size_t i, bool value) { to[i] = value ? 1 : 0; };
  }

  [[nodiscard]] std::vector<bool> take() const {
    return std::vector<bool>(bytes_.begin(), bytes_.end());
  }

 private:
  std::vector<unsigned char> bytes_;
};

} // namespace parallel::detail
