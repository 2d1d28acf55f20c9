// Whether somebody watches a stream, and how wide their window is.
//
// Part of the platform room: see clock.hpp. Where terminals are not known, nobody watches. Entered
// from progress.hpp.
#pragma once

#include <parallel/detail/platform/config.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if PARALLEL_DETAIL_LINUX
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace parallel::detail {

/// The number of columns of the terminal that `stream` goes to; 0 if it goes elsewhere, or to a
/// terminal on which no line can be written over (TERM is "dumb" or not set).
inline std::size_t terminal_columns([[maybe_unused]] std::FILE* stream) noexcept {
#if PARALLEL_DETAIL_LINUX
  const char* const kind = std::getenv("TERM");
  const int file = fileno(stream);
  if (file < 0 || isatty(file) == 0 || kind == nullptr || std::strcmp(kind, "dumb") == 0)
    return 0;
  winsize size{};
  constexpr std::size_t usual = 80;
  return ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : usual;
#else
  return 0;
#endif
}

} // namespace parallel::detail
