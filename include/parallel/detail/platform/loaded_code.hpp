// Keeps shared libraries loaded while threads run their code.
//
// The thread that starts another one asks the loader to keep the code. The new thread must not do
// so itself: it would wait for the loader's lock, which is held while a library's static
// constructors run, and these may wait for the new thread. Nothing is done without <dlfcn.h>, or
// with C libraries that never unload anything, such as musl.
#pragma once

#include <parallel/detail/platform/atomic.hpp>
#include <parallel/detail/platform/config.hpp>

#include <cstddef> // any header of the standard library: it defines __GLIBC__

#if (defined(__GLIBC__) || !defined(__linux__)) && __has_include(<dlfcn.h>)
#define PARALLEL_DETAIL_LOADER 1
#include <dlfcn.h>
#else
#define PARALLEL_DETAIL_LOADER 0
#endif

#if defined(__GLIBC__)
#include <link.h>
#endif

namespace parallel::detail {

/// A module is the program or a shared library. Each has its own copy of this variable, whose
/// address identifies the module.
#if defined(__GNUC__)
__attribute__((visibility("hidden")))
#endif
inline constinit char module_mark = 0;

/// Identifies the module that contains the calling code. Only for comparisons.
#if defined(__GNUC__)
[[gnu::always_inline]]
#endif
inline const void*
this_module() noexcept {
  return &module_mark;
}

#if defined(__GNUC__)
__attribute__((visibility("hidden")))
#endif
inline constinit native_atomic<bool>
    is_this_module_pinned{false};

/// The address of a function's code.
template <class Function>
const void* code_of(Function* function) noexcept {
  return reinterpret_cast<const void*>(function);
}

#if PARALLEL_DETAIL_LOADER

// Weak references, for systems whose loader functions are in a library of their own. A program that
// is linked without that library opens no shared libraries.
#if defined(__ELF__)
static decltype(dlopen) loader_open __attribute__((weakref("dlopen")));
static decltype(dlclose) loader_close __attribute__((weakref("dlclose")));
#if defined(__GLIBC__)
static decltype(dladdr1) loader_find __attribute__((weakref("dladdr1")));
#else
static decltype(dladdr) loader_find __attribute__((weakref("dladdr")));
#endif
#else
inline constexpr auto loader_open = &dlopen;
inline constexpr auto loader_close = &dlclose;
inline constexpr auto loader_find = &dladdr;
#endif

/// Opens the shared library that contains `code` once more, which keeps it loaded until the
/// returned handle is closed. Null if the code belongs to the program itself, or is not found.
[[nodiscard]] inline void* reopen_module_of(const void* code, int further_flags) noexcept {
  Dl_info found{};
  if (!loader_find || !loader_open || !loader_close)
    return nullptr;
#if defined(__GLIBC__)
  link_map* listed = nullptr; // the program's entry has an empty name, unlike in dladdr()
  if (loader_find(code, &found, reinterpret_cast<void**>(&listed), RTLD_DL_LINKMAP) == 0 ||
      listed->l_name[0] == '\0')
    return nullptr;
  const char* const name = listed->l_name;
#else
  if (loader_find(code, &found) == 0)
    return nullptr;
  const char* const name = found.dli_fname;
#endif
  return loader_open(name, RTLD_LAZY | RTLD_NOLOAD | further_flags);
}

/// Keeps the shared library that contains `code` loaded until the program ends.
inline void pin_module_of(const void* code) noexcept {
  if (void* const opened = reopen_module_of(code, RTLD_NODELETE))
    loader_close(opened);
}

/// Pins the calling module unless it is `module`. Called before a task is queued in a pool that was
/// made in `module`: a pool's thread may still run the last instructions of the task's code when
/// the task's future is ready, or when the call that the task belongs to has returned.
#if defined(__GNUC__)
[[gnu::always_inline]]
#endif
inline void
pin_this_module_unless(const void* module) noexcept {
  // relaxed, both: the flag is set after the module has been pinned, and pinning it twice is
  // harmless
  if (module != this_module() && !is_this_module_pinned.load(memory_order_relaxed)) {
    pin_module_of(this_module());
    is_this_module_pinned.store(true, memory_order_relaxed);
  }
}

/// Keeps a shared library loaded from acquire() to release().
class module_reference {
 public:
  module_reference() = default;
  module_reference(const module_reference&) = delete;
  module_reference& operator=(const module_reference&) = delete;

  /// Refers to the library that contains `code`. Takes the loader's lock.
  void acquire(const void* code) noexcept { opened_ = reopen_module_of(code, 0); }

  void release() noexcept {
    if (opened_ != nullptr)
      loader_close(opened_);
    opened_ = nullptr;
  }

 private:
  void* opened_ = nullptr;
};

#else

inline void pin_module_of(const void*) noexcept {}
inline void pin_this_module_unless(const void*) noexcept {}

class module_reference {
 public:
  void acquire(const void*) noexcept {}
  void release() noexcept {}
};

#endif

} // namespace parallel::detail
