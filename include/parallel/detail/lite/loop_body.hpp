// The body of a loop: a reference to a callable that runs a range of indices.
//
// An algorithm passes its body to an executor, which erases the body's type here. The loop itself
// is then compiled once. A body may end its loop early by returning false: then no further element
// is started, whatever its index. (A search for the lowest match must not do so.)
#pragma once

#include <parallel/detail/lite/function_ref.hpp>

#include <cstddef>

namespace parallel::detail {

template <class T>
inline constexpr bool is_bool = false;
template <>
inline constexpr bool is_bool<bool> = true;

/// Calls body(begin, end). Returns false if the body returns false: then the loop is over, and no
/// further element may start. A body with another return type than bool never ends its loop.
template <class Body>
bool run_range(const Body& body, std::size_t begin, std::size_t end) {
  if constexpr (is_bool<decltype(body(begin, end))>) {
    return body(begin, end);
  } else {
    body(begin, end);
    return true;
  }
}

/// Called as body(begin, end), usually for many elements; see run_range(). The body must outlive
/// it.
class loop_body : public function_ref<bool(std::size_t begin, std::size_t end)> {
 public:
  loop_body() = default;

  template <class Body>
  explicit loop_body(const Body& body) noexcept
      : function_ref(&body, [](const void* erased, std::size_t begin, std::size_t end) {
          return run_range(*static_cast<const Body*>(erased), begin, end);
        }) {}
};

/// Called as run(body), to run a loop with that body.
using loop_runner = function_ref<void(const loop_body& body)>;

} // namespace parallel::detail
