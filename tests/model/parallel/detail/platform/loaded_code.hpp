// The models' replacement for the header of the same name: it counts the references to modules.
#pragma once

#include <cstddef>

namespace parallel::detail {

template <class Function>
const void* code_of(Function*) {
  return nullptr;
}

/// Another value for each call, so that a thread that blocks is never in the module that has made
/// the pool.
inline const void* this_module() {
  static char modules[1'000'000];
  static std::size_t last = 0;
  return &modules[last++ % sizeof modules];
}

inline void pin_module_of(const void*) {}
inline void pin_this_module_unless(const void*) {}

class module_reference {
 public:
  void acquire(const void*) {
    is_held_ = true;
    ++held;
  }
  void release() {
    held -= is_held_ ? 1 : 0;
    is_held_ = false;
  }

  static inline int held = 0; // all references; Relacy does not check its accesses

 private:
  bool is_held_ = false;
};

} // namespace parallel::detail
