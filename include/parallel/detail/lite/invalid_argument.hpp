// The exception for a value that makes no sense: std::invalid_argument.
//
// Part of the platform room: <stdexcept> brings <string> with it and takes long to compile, but
// libstdc++ can throw it without; everything else gets it from there. Entered from where options
// are checked.
#pragma once

#include <array> // any container: says which library it is, and brings its exceptions

#if !defined(__GLIBCXX__)
#include <stdexcept>
#endif

namespace parallel::detail {

[[noreturn, gnu::cold]] inline void throw_invalid_argument(const char* message) {
#if defined(__GLIBCXX__)
  std::__throw_invalid_argument(message);
#else
  throw std::invalid_argument(message);
#endif
}

} // namespace parallel::detail
