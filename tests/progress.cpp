// What the progress bar draws, and when it writes nothing.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/map.hpp>
#include <parallel/progress.hpp>
#include <parallel/serial.hpp>

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <pty.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>
#endif

using parallel::progress;

namespace {

std::string progress_line(const std::string& description, const progress& now, std::size_t columns,
                          bool ascii) {
  const parallel::detail::text_view view(description.data(), description.size());
  const auto line = parallel::detail::line_for(view, now, columns, ascii);
  return description.substr(0, line.description_bytes) + line.rest.c_str();
}

std::string bar_text(double share, std::size_t columns, bool ascii) {
  parallel::detail::composed_text bar;
  parallel::detail::add_bar(bar, share, columns, ascii);
  return bar.c_str();
}

} // namespace

TEST_CASE("a progress line has a description, a share, a bar, a count, times and a rate") {
  const progress now{.done = 2'520, .total = 6'000, .seconds = 6.28};
  CHECK(progress_line("thumbnails", now, 80, true) ==
        "thumbnails:  42%|###########                 | 2520/6000 [00:06<00:08, 401.3/s]");
  CHECK(progress_line("", now, 60, true) ==
        " 42%|########            | 2520/6000 [00:06<00:08, 401.3/s]");
}

TEST_CASE("a progress line never fills the last column, and leaves out its bar first") {
  const progress now{.done = 5, .total = 10, .seconds = 3'700};
  for (std::size_t columns = 0; columns < 200; ++columns)
    CHECK(progress_line("some description", now, columns, true).size() <
          (columns == 0 ? 1 : columns));
  CHECK(progress_line("some description", now, 60, true) ==
        "some description:  50% 5/10 [1:01:40<1:01:40, 740.0s each]");
}

TEST_CASE("a bar is drawn in eighths of a column") {
  CHECK(bar_text(0, 3, false) == "   ");
  CHECK(bar_text(0.5, 2, false) == "█ ");
  CHECK(bar_text(0.5, 1, false) == "▌");
  CHECK(bar_text(0.99, 1, false) == "▉");
  CHECK(bar_text(1, 2, false) == "██");
  CHECK(bar_text(0.5, 3, true) == "#  ");
}

TEST_CASE("a progress line shows question marks for what is unknown, and 100% at the end") {
  CHECK(progress_line("", {.total = 7}, 100, true).find("0/7 [00:00<?, ?/s]") != std::string::npos);
  CHECK(progress_line("", {.done = 7, .total = 7, .seconds = 1, .last = true}, 100, true)
            .find("100%") != std::string::npos);
  CHECK(progress_line("", {.seconds = 1, .last = true}, 100, true).find("100%") == 0);
  CHECK(progress_line("", {.done = 999, .total = 1'000, .seconds = 1}, 100, true).find(" 99%") ==
        0);
}

TEST_CASE("a progress line measures its description in columns, whatever its script") {
  const progress now{.done = 2'520, .total = 6'000, .seconds = 6.28};
  const auto bar_of = [&](const std::string& description, std::size_t columns) {
    const std::string line = progress_line(description, now, columns, true);
    return line.substr(line.find('|'));
  };
  for (std::size_t columns = 58; columns < 120; ++columns) {
    CHECK(bar_of("обработка", columns) ==
          bar_of("treatment", columns));                               // nine letters of two bytes
    CHECK(bar_of("縮小画像", columns) == bar_of("pictures", columns)); // two columns each
    CHECK(bar_of("re\u0301sume\u0301", columns) == bar_of("resume", columns)); // combining marks
    CHECK(bar_of("\U0001F5BC", columns) == bar_of("::", columns));
    CHECK(bar_of("\xFF\x80", columns) == bar_of("??", columns)); // not UTF-8: each byte is a column
  }
}

TEST_CASE("a progress line is cut between two characters") {
  const progress now{.done = 5, .total = progress::unknown, .seconds = 1};
  CHECK(progress_line("обработка", now, 5, true) == "обра");
  CHECK(progress_line("縮小画像", now, 6, true) == "縮小"); // half of the third would fit
  CHECK(progress_line("縮小画像", now, 7, true) == "縮小画");
  CHECK(progress_line("re\u0301sume\u0301", now, 3, true) == "re\u0301");
  CHECK(progress_line("\U0001F5BC\U0001F5BC", now, 3, true) == "\U0001F5BC");
}

TEST_CASE("a progress line does not change a description that is not UTF-8") {
  const progress now{.done = 5, .total = progress::unknown, .seconds = 1};
  const std::string broken[] = {"\x80\x80\x80",
                                "\xC3",
                                "\xE2\x96",
                                "\xF0\x9F\x96",
                                "\xC3(\xE2\x82(\xFF",
                                "\xF8\x88\x80\x80\x80",
                                std::string(3, '\xF4')};
  for (const std::string& description : broken) {
    CHECK(progress_line(description, now, 200, true).find(description) == 0);
    for (std::size_t columns = 1; columns < 60; ++columns)
      CHECK(progress_line(description, now, columns, true).size() <= columns - 1);
  }
}

TEST_CASE("without a total a progress line has the count, the time and the rate") {
  const progress now{.done = 41, .total = progress::unknown, .seconds = 2};
  CHECK(progress_line("rows", now, 80, true) == "rows: 41 [00:02, 20.5/s]");
  CHECK(progress_line("", now, 80, true) == " 41 [00:02, 20.5/s]");
}

TEST_CASE("a progress bar is made from a description or options, in parentheses or braces") {
  const std::string text = "thumbnails";
  [[maybe_unused]] parallel::progress_bar literal("thumbnails");
  [[maybe_unused]] parallel::progress_bar named(text);
  [[maybe_unused]] parallel::progress_bar moved(std::string("thumbnails"));
  [[maybe_unused]] parallel::progress_bar file(std::filesystem::path("thumbnails"));
  [[maybe_unused]] parallel::progress_bar viewed({.description = std::string_view(text)});
  [[maybe_unused]] parallel::progress_bar described({.description = "thumbnails"});
  [[maybe_unused]] parallel::progress_bar directed({.stream = stdout});
  [[maybe_unused]] parallel::progress_bar braced{{.description = "thumbnails"}};
  [[maybe_unused]] parallel::progress_bar copied(literal);
  literal = described;
  STATIC_REQUIRE_FALSE(std::is_convertible_v<const char*, parallel::progress_bar>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<parallel::progress_bar, int>);
}

TEST_CASE("a progress bar's description is a copy, which can be replaced") {
  std::string text = "thumbnails";
  parallel::progress_bar_options options{.description = text};
  const parallel::progress_bar_options copy = options;
  text[0] = 'T';
  CHECK(copy.description.c_str() == std::string("thumbnails"));
  options.description = text;
  CHECK(options.description.c_str() == std::string("Thumbnails"));
  options.description = std::move(text) + "!";
  CHECK(options.description.c_str() == std::string("Thumbnails!"));
  options.description = copy.description;
  CHECK(options.description.c_str() == std::string("thumbnails"));
  options.description = {};
  CHECK(options.description.c_str() == std::string());
}

TEST_CASE("a progress bar whose stream is no terminal writes nothing") {
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  parallel::progress_bar bar({.description = "quiet", .stream = file});
  parallel::for_each(test::numbers(1'000), [](int) {}, {.progress = bar});
  CHECK(std::ftell(file) == 0);
  std::fclose(file);
}

#if defined(__linux__) && !defined(PARALLEL_PORTABLE)
namespace {

/// Returns what a bar writes to a terminal of 60 columns.
std::string drawn_with(const char* term, const char* no_color) {
  int ours = -1;
  int theirs = -1;
  winsize size{};
  size.ws_row = 24;
  size.ws_col = 60;
  REQUIRE(openpty(&ours, &theirs, nullptr, nullptr, &size) == 0);
  setenv("TERM", term, 1);
  setenv("NO_COLOR", no_color, 1);
  std::FILE* const terminal = fdopen(theirs, "w");
  parallel::progress_bar bar({.stream = terminal});
  parallel::for_each(parallel::serial, test::numbers(8), [](int) {}, {.progress = bar});
  std::fputs("done", terminal);
  std::fflush(terminal);
  std::string seen;
  while (seen.find("done") == std::string::npos) {
    char text[512];
    const auto count = read(ours, text, sizeof text);
    REQUIRE(count > 0);
    seen.append(text, static_cast<std::size_t>(count));
  }
  std::fclose(terminal);
  close(ours);
  return seen;
}

} // namespace

TEST_CASE("a progress bar draws on a terminal, in ASCII with NO_COLOR, and not with TERM=dumb") {
  CHECK(drawn_with("xterm", "").find("█") != std::string::npos);
  CHECK(drawn_with("xterm", "").find("8/8") != std::string::npos);
  const std::string plain = drawn_with("xterm", "1");
  CHECK(plain.find("####") != std::string::npos);
  CHECK(plain.find("█") == std::string::npos);
  CHECK(drawn_with("dumb", "") == "done");
}
#endif
