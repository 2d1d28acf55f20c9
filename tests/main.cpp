// Catch2 version 2 brings its main() as a header; version 3 as a library.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#ifdef UNDER_THREAD_SANITIZER // which this file itself is not
/// libstdc++ counts the references to an exception in code that ThreadSanitizer does not see: so
/// its end, on the thread that lets go of it last, seems to race with whoever has looked at it.
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
#endif
