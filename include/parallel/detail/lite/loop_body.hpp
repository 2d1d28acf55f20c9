// The body of a loop: a reference to a callable that is called with ranges of indices.
//
// A body may end its loop early by returning false. Executors make a loop_body from what an
// algorithm gives them; the rooms `loop`, `io` and `control` call it.
#pragma once

#include <parallel/detail/lite/function_ref.hpp>

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
class loop_body : public function_ref<bool(std::size_t begin, std::size_t end)> {
 public:
  loop_body() = default;

  template <class Body>
  explicit loop_body(const Body& body) noexcept
      : function_ref(&body, [](const void* erased, std::size_t begin, std::size_t end) {
          return run_range(*static_cast<const Body*>(erased), begin, end);
        }) {}
};

/// Called as run(body): runs a loop with that body.
using loop_runner = function_ref<void(const loop_body& body)>;

} // namespace parallel::detail
