// How far a call has come: what its progress hook is told, and a hook that draws it on a terminal.
//
// Give a bar to a call as an option, {.progress = bar}. It is one line that is written over again
// and again, in the manner of Python's tqdm:
//   thumbnails:  42%|████████▍           | 2520/6000 [00:06<00:08, 401.2/s]
// Any other callable that takes a `const parallel::progress&` is a hook as well. map.hpp includes
// this header, so it includes neither <string> nor options.hpp.
#pragma once

#include <parallel/detail/lite/columns.hpp>
#include <parallel/detail/lite/progress_line.hpp>
#include <parallel/detail/lite/text.hpp>
#include <parallel/detail/platform/terminal.hpp>
#include <parallel/errors.hpp> // there must be exceptions

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace parallel {

/// How far a call has come. A progress hook gets one of these with each report.
struct progress {
  static constexpr std::size_t unknown = SIZE_MAX; ///< `total`, if the source does not know it

  std::size_t done = 0;  ///< Elements whose calls have ended. If an element has failed, a few short
                         ///< elements before it may not be counted.
  std::size_t total = 0; ///< Elements in all, or `unknown`.
  double seconds = 0;    ///< Seconds since the call began.
  bool last = false;     ///< This is the last report: the call has ended, or has failed.

  /// Elements per second since the call began; 0 when that cannot be told yet.
  [[nodiscard]] double rate() const noexcept {
    return seconds > 0 ? static_cast<double>(done) / seconds : 0;
  }

  /// Seconds that the remaining elements will take at this rate; negative when that cannot be told
  /// yet, or when the total is unknown.
  [[nodiscard]] double seconds_left() const noexcept {
    return rate() > 0 && total != unknown ? static_cast<double>(total - done) / rate() : -1;
  }
};

/// The text in front of a progress bar: made from a string of any kind, whose characters it copies.
class progress_description {
 public:
  progress_description() = default;

  /// Copies `text`, which is not null. Throws std::bad_alloc.
  progress_description(const char* text) // NOLINT: as an option it is to be written as a string
      : progress_description(detail::text_view(text)) {}

  /// Copies a std::string or std::string_view. Throws std::bad_alloc.
  template <detail::string_like String>
  progress_description(const String& text) // NOLINT: see above
      : progress_description(detail::text_view(text.data(), text.size())) {}

  /// Copies a std::filesystem::path, where paths are of char. Throws std::bad_alloc.
  template <class Path>
  requires(!detail::string_like<Path> &&
           requires(const Path& path) {
             { path.c_str() } -> std::same_as<const char*>;
           }) progress_description(const Path& path) // NOLINT: see above
      : progress_description(path.c_str()) {}

  /// Copies the text. Throws std::bad_alloc.
  progress_description(const progress_description& other) : progress_description(other.c_str()) {}
  /// Takes the text of `other`, which is empty afterwards.
  progress_description(progress_description&& other) noexcept
      : text_(std::exchange(other.text_, nullptr)) {}
  /// Replaces the text.
  progress_description& operator=(progress_description other) noexcept {
    std::swap(text_, other.text_);
    return *this;
  }
  ~progress_description() { delete[] text_; }

  /// The text, with a null character behind it; it lives as long as this object.
  [[nodiscard]] const char* c_str() const noexcept { return text_ != nullptr ? text_ : ""; }

 private:
  explicit progress_description(detail::text_view text) {
    if (text.size() == 0)
      return;
    text_ = new char[text.size() + 1];
    for (std::size_t i = 0; i < text.size(); ++i)
      text_[i] = text[i];
    text_[text.size()] = '\0';
  }

  char* text_ = nullptr;
};

/// Options of a progress_bar.
struct progress_bar_options {
  /// What is being done; it stands in front of the bar. UTF-8 without line breaks.
  progress_description description = {};

  /// Where the bar is drawn. Nothing is written unless the stream goes to a terminal. It must
  /// outlive the bar.
  std::FILE* stream = stderr;
};

/// Shows on a terminal how far a call has come. Give it to one call after another, as an lvalue:
/// `{.progress = bar}`.
///
/// - It writes nothing when its stream is no terminal, or when the environment variable TERM is
///   "dumb" or not set.
/// - It draws in ASCII when NO_COLOR is set. It never writes escape sequences.
/// - It reads the window's width for each line and never fills the last column. If the window is
///   too narrow, the bar is left out first, and then the numbers from the back.
/// - When a call ends, the line stays and shows what was reached.
///
/// One call at a time may use a bar. Several bars on one terminal overwrite each other's line.
class progress_bar {
 public:
  /// A bar on standard error, without a description.
  progress_bar() : progress_bar(progress_bar_options{}) {}

  /// A bar as the options say. Draws nothing yet.
  explicit progress_bar(progress_bar_options options) : options_(std::move(options)) {}

  /// A bar on standard error, with a description in front: progress_bar bar("thumbnails"). (It is a
  /// template, as GCC 12 would try to make a description of {.description = "…"}, too.)
  template <std::convertible_to<progress_description> Description>
  explicit progress_bar(Description&& description)
      : progress_bar(progress_bar_options{.description = std::forward<Description>(description)}) {}

  /// Draws the line. A call does this at most ten times per second, and once when it ends.
  void operator()(const progress& now) {
    const std::size_t columns = detail::terminal_columns(options_.stream);
    if (columns == 0)
      return;
    const char* const no_color = std::getenv("NO_COLOR");
    const bool ascii = no_color != nullptr && *no_color != '\0';
    const char* const description = options_.description.c_str();
    const detail::progress_line line =
        detail::line_for(detail::text_view(description), now, columns, ascii);
    const std::size_t drawn =
        detail::columns_of(detail::text_view(description, line.description_bytes)) +
        detail::columns_of(detail::text_view(line.rest.c_str()));
    // Spaces overwrite what is left of a longer line, but do not go beyond the window.
    const std::size_t before = std::exchange(drawn_, drawn);
    const std::size_t left = before < columns - 1 ? before : columns - 1;
    std::fprintf(options_.stream, "\r%.*s%s%*s%s", static_cast<int>(line.description_bytes),
                 description, line.rest.c_str(), static_cast<int>(left > drawn ? left - drawn : 0),
                 "", now.last ? "\n" : "");
    std::fflush(options_.stream);
    if (now.last)
      drawn_ = 0;
  }

 private:
  progress_bar_options options_;
  std::size_t drawn_ = 0; // columns of the line that stands there
};

} // namespace parallel
