// Catch2's main(): in version 2 it comes from a header, in version 3 from a library.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#ifdef UNDER_THREAD_SANITIZER // the other files of the program are; this one is not
/// libstdc++ counts the references to an exception in code that ThreadSanitizer does not see. The
/// destruction by the last thread then seems to race with earlier accesses by other threads.
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
#endif
