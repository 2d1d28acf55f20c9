// Whether a stream goes to a terminal, and how wide the terminal is.
//
// Outside Linux no stream is known to go to a terminal.
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

/// The number of columns of the terminal that `stream` goes to. 0 if it goes elsewhere, or to a
/// terminal that cannot overwrite a line (TERM is "dumb" or not set).
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
