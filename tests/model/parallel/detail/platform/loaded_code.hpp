// Code that threads run stays where it is, in the models: how many keep some is counted.
#pragma once

#include <cstddef>

namespace parallel::detail {

template <class Function>
const void* code_of(Function*) {
  return nullptr;
}

/// Whoever blocks is somewhere else than the one that has made the pool.
inline const void* this_module() {
  static char modules[1'000'000];
  static std::size_t last = 0;
  return &modules[last++ % sizeof modules];
}

inline void pin_module_of(const void*) {}
inline void pin_this_module_unless(const void*) {}

class loaded_code {
 public:
  void keep(const void*) {
    is_kept_ = true;
    ++kept;
  }
  void let_go() {
    kept -= is_kept_ ? 1 : 0;
    is_kept_ = false;
  }

  static inline int kept = 0; // Relacy does not watch it

 private:
  bool is_kept_ = false;
};

} // namespace parallel::detail
