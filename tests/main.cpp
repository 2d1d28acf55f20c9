// Catch2 version 2 brings its main() as a header; version 3 as a library.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#if defined(__has_feature) // Clang; GCC defines the macro itself
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
/// libstdc++ counts the references to an exception in code that ThreadSanitizer does not see: so
/// its end, on the thread that lets go of it last, seems to race with whoever has looked at it.
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
#endif
