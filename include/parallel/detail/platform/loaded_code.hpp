// Code that threads run stays where it is: shared libraries are not unloaded beneath them.
//
// Part of the platform room. Whoever starts a thread asks the loader to keep the code. The thread
// itself must not: it would wait for the loader's lock, under which a library's static constructors
// run, and these may wait for the thread. Nobody is asked where there is no <dlfcn.h>, nor with C
// libraries that never unload anything, such as musl. Entered from scheduler/workers.hpp and
// pool.hpp.
#pragma once

#include <parallel/detail/platform/atomic.hpp>

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

/// One in each shared library, and one in the program.
#if defined(__GNUC__)
__attribute__((visibility("hidden")))
#endif
inline constinit char module_mark = 0;

/// Which of them the code is in that calls this: to be compared only.
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
    is_module_kept{false};

/// Where a function's code is.
template <class Function>
const void* code_of(Function* function) noexcept {
  return reinterpret_cast<const void*>(function);
}

#if PARALLEL_DETAIL_LOADER

// Weak, for systems whose loader is in a library of its own: a program that is linked without it
// opens no shared library.
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

/// The shared library that contains `code`, once more in use, to be closed; null if it is the
/// program, or cannot be found.
[[nodiscard, gnu::cold]] inline void* open_again(const void* code, int further_flags) noexcept {
  Dl_info found{};
  if (!loader_find || !loader_open || !loader_close)
    return nullptr;
#if defined(__GLIBC__)
  link_map* listed = nullptr; // where the program has no name, but dladdr() makes one up
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

/// The shared library that contains `code` is never unloaded from now on.
[[gnu::cold]] inline void pin_module_of(const void* code) noexcept {
  if (void* const opened = open_again(code, RTLD_NODELETE))
    loader_close(opened);
}

/// Whoever queues a task in a pool that was made in another `module` calls this first: the calling
/// library, whose code the task is, is never unloaded from now on. For a thread is still in that
/// code for a moment when the task's future is ready, or the call that it has helped has returned.
#if defined(__GNUC__)
[[gnu::always_inline]]
#endif
inline void
pin_this_module_unless(const void* module) noexcept {
  // relaxed: to do it twice does no harm. By then it has been done, as this is set afterwards.
  if (module != this_module() && !is_module_kept.load(memory_order_relaxed)) {
    pin_module_of(this_module());
    is_module_kept.store(true, memory_order_relaxed);
  }
}

/// Keeps a shared library loaded until it is let go.
class loaded_code {
 public:
  loaded_code() = default;
  loaded_code(const loaded_code&) = delete;
  loaded_code& operator=(const loaded_code&) = delete;

  /// Keeps the one that contains `code`. Takes the loader's lock.
  [[gnu::cold]] void keep(const void* code) noexcept { opened_ = open_again(code, 0); }

  [[gnu::cold]] void let_go() noexcept {
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

class loaded_code {
 public:
  void keep(const void*) noexcept {}
  void let_go() noexcept {}
};

#endif

} // namespace parallel::detail
