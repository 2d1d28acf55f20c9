// A progress bar for a terminal, to be given to a call: {.progress = bar}.
//
// One line, written over again and again, in the manner of Python's tqdm:
//   thumbnails:  42%|████████▍           | 2520/6000 [00:06<00:08, 401.2/s]
// Any other callable that takes a `const parallel::progress&` does as well: options.hpp.
#pragma once

#include <parallel/detail/lite/columns.hpp>
#include <parallel/detail/platform/terminal.hpp>
#include <parallel/options.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace parallel {

namespace detail {

/// Minutes and seconds, with hours where there are any; "?" below zero.
inline std::string clock_text(double seconds) {
  if (!(seconds >= 0))
    return "?";
  const double most = 99 * 3600 + 59 * 60 + 59;
  const auto whole = static_cast<unsigned>(std::min(seconds, most));
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%02u:%02u", whole / 60, whole % 60);
  return text;
}

/// Elements a second, or seconds an element where that is the larger number.
inline std::string rate_text(double rate) {
  char text[32];
  if (!(rate > 0))
    return "?/s";
  if (rate >= 1)
    std::snprintf(text, sizeof text, rate < 1e6 ? "%.1f/s" : "%.2e/s", rate);
  else
    std::snprintf(text, sizeof text, "%.1fs each", 1 / rate);
  return text;
}

/// `full` eighths of a bar of `columns`, in Unicode's blocks or in ASCII.
inline std::string bar_text(double share, std::size_t columns, bool ascii) {
  static constexpr const char* parts[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<std::size_t>(share * static_cast<double>(columns) * 8);
  std::string bar;
  for (std::size_t i = 0; i < columns; ++i) {
    if (eighths >= 8 * (i + 1))
      bar += ascii ? "#" : "█";
    else
      bar += ascii || eighths <= 8 * i ? " " : parts[eighths - 8 * i];
  }
  return bar;
}

/// The line for a terminal of `columns`, in at most columns − 1 of them, so that it does not wrap:
/// what does not fit is left out, first the bar, then the rest from the back, by whole characters.
/// Without a total there are only the count, the time and the rate.
inline std::string progress_line(const std::string& description, const progress& now,
                                 std::size_t columns, bool ascii) {
  const bool known = now.total != progress::unknown;
  const double share =
      now.total == 0 ? 1 : static_cast<double>(now.done) / static_cast<double>(now.total);
  char percentage[16];
  std::snprintf(percentage, sizeof percentage, "%3d%%", static_cast<int>(100 * share));
  // By +=, here and below, as GCC 12 warns of what its own operator+ does.
  std::string front = description;
  if (!description.empty())
    front += known ? ": " : ":";
  front += known ? percentage : "";
  std::string back = " ";
  back += std::to_string(now.done);
  if (known) {
    back += '/';
    back += std::to_string(now.total);
  }
  back += " [";
  back += clock_text(now.seconds);
  if (known) {
    back += '<';
    back += now.last ? "00:00" : clock_text(now.seconds_left());
  }
  back += ", ";
  back += rate_text(now.rate());
  back += ']';
  const std::size_t room = columns == 0 ? 0 : columns - 1;
  const std::size_t taken = columns_of(front) + columns_of(back);
  if (!known || taken + 4 > room) { // no bar
    front += back;
    front.resize(bytes_within(front, room));
    return front;
  }
  const std::size_t bar = std::min<std::size_t>(room - taken - 2, 40);
  return front + "|" + bar_text(share, bar, ascii) + "|" + back;
}

} // namespace detail

/// Options of a progress_bar.
struct progress_bar_options {
  /// What is being done; stands in front. Text in UTF-8, without line breaks.
  std::string description = {};

  /// Where to. Nothing is written unless it goes to a terminal.
  std::FILE* stream = stderr;
};

/// Shows on a terminal how far a call has come: give it to one call after another, as an lvalue.
///
/// Silent when its stream is no terminal, or where TERM is "dumb" or not set; draws in ASCII, with
/// no escape sequences in any case, where NO_COLOR is set. The window's width is looked at for each
/// line. When the call ends the line stays, with what was reached. One call at a time; calls take
/// turns at different bars, but share the terminal's line.
class progress_bar {
 public:
  /// On standard error, without a description.
  progress_bar() : progress_bar(progress_bar_options{}) {}

  /// Draws nothing yet.
  explicit progress_bar(progress_bar_options options) : options_(std::move(options)) {}

  /// On standard error, with the description in front: progress_bar bar("thumbnails"). (A template,
  /// as GCC 12 takes {.description = "…"} for a std::string, too.)
  template <std::convertible_to<std::string> Description>
  explicit progress_bar(Description&& description)
      : progress_bar(progress_bar_options{.description = std::forward<Description>(description)}) {}

  /// Draws the line.
  void operator()(const progress& now) {
    const std::size_t columns = detail::terminal_columns(options_.stream);
    if (columns == 0)
      return;
    const char* const no_color = std::getenv("NO_COLOR");
    const bool ascii = no_color != nullptr && *no_color != '\0';
    const std::string line = detail::progress_line(options_.description, now, columns, ascii);
    const std::size_t drawn = detail::columns_of(line);
    // Spaces over what a longer line before has left, but not beyond the window.
    const std::size_t left = std::min(std::exchange(drawn_, drawn), columns - 1);
    std::fprintf(options_.stream, "\r%s%*s%s", line.c_str(),
                 static_cast<int>(left > drawn ? left - drawn : 0), "", now.last ? "\n" : "");
    std::fflush(options_.stream);
    if (now.last)
      drawn_ = 0;
  }

 private:
  progress_bar_options options_;
  std::size_t drawn_ = 0; // columns of the line that stands there
};

} // namespace parallel
