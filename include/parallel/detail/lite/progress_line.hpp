// The text of a progress bar: one line that fits into a terminal of a given width.
//
// Every file that maps compiles this header, as parallel::progress stands beside the bar. So lines
// are composed with snprintf in buffers of a fixed size, not with <string>.
#pragma once

#include <parallel/detail/lite/columns.hpp>
#include <parallel/detail/lite/text.hpp>

#include <cstddef>
#include <cstdio>

namespace parallel::detail {

/// Text that is composed piece by piece. What does not fit is cut off; 256 bytes hold the longest
/// bar with all numbers.
class composed_text {
 public:
  void add(const char* piece) noexcept { wrote(std::snprintf(end(), left(), "%s", piece)); }

  /// For snprintf: wrote(snprintf(end(), left(), …)).
  [[nodiscard]] char* end() noexcept { return text_ + size_; }
  [[nodiscard]] std::size_t left() const noexcept { return sizeof text_ - size_; }
  void wrote(int bytes) noexcept {
    const std::size_t wanted = bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
    size_ += wanted < left() ? wanted : left() - 1;
  }

  /// Keeps the first `bytes`, or all if they are fewer.
  void cut(std::size_t bytes) noexcept {
    size_ = bytes < size_ ? bytes : size_;
    text_[size_] = '\0';
  }

  [[nodiscard]] const char* c_str() const noexcept { return text_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  char text_[256] = {};
  std::size_t size_ = 0;
};

/// Minutes and seconds, with hours where there are any; "?" below zero.
inline void add_clock(composed_text& to, double seconds) noexcept {
  if (!(seconds >= 0))
    return to.add("?");
  const double most = 99 * 3600 + 59 * 60 + 59;
  const auto whole = static_cast<unsigned>(seconds < most ? seconds : most);
  if (whole >= 3600)
    to.wrote(std::snprintf(to.end(), to.left(), "%u:%02u:%02u", whole / 3600, whole / 60 % 60,
                           whole % 60));
  else
    to.wrote(std::snprintf(to.end(), to.left(), "%02u:%02u", whole / 60, whole % 60));
}

/// Elements per second; seconds per element where that is the larger number; "?/s" if unknown.
inline void add_rate(composed_text& to, double rate) noexcept {
  if (!(rate > 0))
    to.add("?/s");
  else if (rate >= 1e6)
    to.wrote(std::snprintf(to.end(), to.left(), "%.2e/s", rate));
  else if (rate >= 1)
    to.wrote(std::snprintf(to.end(), to.left(), "%.1f/s", rate));
  else
    to.wrote(std::snprintf(to.end(), to.left(), "%.1fs each", 1 / rate));
}

/// A bar of `columns`, of which `share` (0 to 1) is filled: in eighths of a column with Unicode's
/// block elements, or in whole columns with ASCII.
inline void add_bar(composed_text& to, double share, std::size_t columns, bool ascii) noexcept {
  static constexpr const char* parts[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<std::size_t>(share * static_cast<double>(columns) * 8);
  for (std::size_t i = 0; i < columns; ++i) {
    if (eighths >= 8 * (i + 1))
      to.add(ascii ? "#" : "█");
    else
      to.add(ascii || eighths <= 8 * i ? " " : parts[eighths - 8 * i]);
  }
}

/// A line: the first bytes of its description, and what follows them.
struct progress_line {
  std::size_t description_bytes;
  composed_text rest;
};

/// Composes the line for a terminal of `columns`. The line takes at most columns − 1 of them, so
/// that the terminal does not wrap it: what does not fit is left out by whole characters, first the
/// bar, then the rest from the back. Without a total there are only the count, the time and the
/// rate. Progress is parallel::progress, which is defined later.
template <class Progress>
progress_line line_for(text_view description, const Progress& now, std::size_t columns,
                       bool ascii) noexcept {
  const bool known = now.total != Progress::unknown;
  const double share =
      now.total == 0 ? 1 : static_cast<double>(now.done) / static_cast<double>(now.total);
  progress_line line{.description_bytes = description.size(), .rest = {}};
  if (description.size() != 0)
    line.rest.add(known ? ": " : ":");
  composed_text back;
  if (known) {
    line.rest.wrote(
        std::snprintf(line.rest.end(), line.rest.left(), "%3d%%", static_cast<int>(100 * share)));
    back.wrote(std::snprintf(back.end(), back.left(), " %zu/%zu [", now.done, now.total));
  } else {
    back.wrote(std::snprintf(back.end(), back.left(), " %zu [", now.done));
  }
  add_clock(back, now.seconds);
  if (known) {
    back.add("<");
    add_clock(back, now.last ? 0 : now.seconds_left());
  }
  back.add(", ");
  add_rate(back, now.rate());
  back.add("]");

  const std::size_t most = columns == 0 ? 0 : columns - 1;
  const std::size_t described = columns_of(description);
  const std::size_t taken = described + line.rest.size() + back.size();
  if (known && taken + 4 <= most) {
    const std::size_t free = most - taken - 2;
    line.rest.add("|");
    add_bar(line.rest, share, free < 40 ? free : 40, ascii);
    line.rest.add("|");
    line.rest.add(back.c_str());
  } else {
    line.rest.add(back.c_str()); // ASCII: a byte is a column
    line.description_bytes = bytes_within(description, most);
    line.rest.cut(described < most ? most - described : 0);
  }
  return line;
}

} // namespace parallel::detail
