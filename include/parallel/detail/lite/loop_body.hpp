// The body of a loop with its type erased: a reference to a callable, called with a range of
// indices, so that what runs loops is compiled once and not for each body. (C++26 has
// std::function_ref.) Made by the executors' run_loop; called by loop/loop.hpp, and by
// control/controlled_body.hpp, which is a body around a body and can end the loop.
#pragma once

#include <cstddef>

namespace parallel::detail {

template <class T>
inline constexpr bool is_bool = false;
template <>
inline constexpr bool is_bool<bool> = true;

/// Calls body(begin, end). False if the body returns false: then the loop is over, and no further
/// element is to be started. A body that returns anything but a bool never ends its loop.
template <class Body>
bool run_range(const Body& body, std::size_t begin, std::size_t end) {
  if constexpr (is_bool<decltype(body(begin, end))>) {
    return body(begin, end);
  } else {
    body(begin, end);
    return true;
  }
}

/// Called as body(begin, end), many elements a call; see run_range(). The body must outlive it.
class loop_body {
 public:
  loop_body() = default;

  template <class Body>
  explicit loop_body(const Body& body) noexcept
      : body_(&body), call_([](const void* erased, std::size_t begin, std::size_t end) {
          return run_range(*static_cast<const Body*>(erased), begin, end);
        }) {}

  // NOLINTNEXTLINE(modernize-use-nodiscard): who runs the last elements need not ask
  bool operator()(std::size_t begin, std::size_t end) const { return call_(body_, begin, end); }

 private:
  const void* body_ = nullptr;
  bool (*call_)(const void*, std::size_t, std::size_t) = nullptr;
};

} // namespace parallel::detail
