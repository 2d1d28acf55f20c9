// Throws std::invalid_argument without <stdexcept>.
//
// <stdexcept> includes <string> and takes long to compile. libstdc++ has a function that throws the
// exception without its definition; other standard libraries need the header.
#pragma once

#include <array> // in libstdc++ it defines __GLIBCXX__ and declares __throw_invalid_argument()

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
