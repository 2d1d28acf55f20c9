// The body of a loop with its type erased: a reference to a callable, called with a range of
// indices, so that what runs loops is compiled once and not for each body. (C++26 has
// std::function_ref.) Made by the executors' run_loop; called by loop.hpp, and by control.hpp,
// which is a body around a body.
#pragma once

#include <cstddef>

namespace parallel::detail {

/// Called as body(begin, end), many elements a call. The body must outlive it.
class loop_body {
 public:
  loop_body() = default;

  template <class Body>
  explicit loop_body(const Body& body) noexcept
      : body_(&body), call_([](const void* erased, std::size_t begin, std::size_t end) {
          (*static_cast<const Body*>(erased))(begin, end);
        }) {}

  void operator()(std::size_t begin, std::size_t end) const { call_(body_, begin, end); }

 private:
  const void* body_ = nullptr;
  void (*call_)(const void*, std::size_t, std::size_t) = nullptr;
};

} // namespace parallel::detail
