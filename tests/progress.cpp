// The progress bar: what it draws, and when it keeps silent.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/map.hpp>
#include <parallel/progress.hpp>
#include <parallel/serial.hpp>

#include <cstddef>
#include <cstdio>
#include <string>

#if defined(__linux__)
#include <pty.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>
#endif

using parallel::progress;
using parallel::detail::progress_line;

TEST_CASE("a progress line has a description, a share, a bar, a count, times and a rate") {
  const progress now{.done = 2'520, .total = 6'000, .seconds = 6.28};
  CHECK(progress_line("thumbnails", now, 80, true) ==
        "thumbnails:  42%|###########                 | 2520/6000 [00:06<00:08, 401.3/s]");
  CHECK(progress_line("", now, 60, true) ==
        " 42%|########            | 2520/6000 [00:06<00:08, 401.3/s]");
}

TEST_CASE("a progress line never reaches the last column, and gives up its bar first") {
  const progress now{.done = 5, .total = 10, .seconds = 3'700};
  for (std::size_t columns = 0; columns < 200; ++columns)
    CHECK(progress_line("some description", now, columns, true).size() <
          (columns == 0 ? 1 : columns));
  CHECK(progress_line("some description", now, 60, true) ==
        "some description:  50% 5/10 [1:01:40<1:01:40, 740.0s each]");
}

TEST_CASE("a bar is drawn in eighths of a column") {
  using parallel::detail::bar_text;
  CHECK(bar_text(0, 3, false) == "   ");
  CHECK(bar_text(0.5, 2, false) == "█ ");
  CHECK(bar_text(0.5, 1, false) == "▌");
  CHECK(bar_text(0.99, 1, false) == "▉");
  CHECK(bar_text(1, 2, false) == "██");
  CHECK(bar_text(0.5, 3, true) == "#  ");
}

TEST_CASE("a progress line says what it cannot know yet, and when it is over") {
  CHECK(progress_line("", {.total = 7}, 100, true).find("0/7 [00:00<?, ?/s]") != std::string::npos);
  CHECK(progress_line("", {.done = 7, .total = 7, .seconds = 1, .last = true}, 100, true)
            .find("100%") != std::string::npos);
  CHECK(progress_line("", {.seconds = 1, .last = true}, 100, true).find("100%") == 0);
  CHECK(progress_line("", {.done = 999, .total = 1'000, .seconds = 1}, 100, true).find(" 99%") ==
        0);
}

TEST_CASE("without a total a progress line has the count, the time and the rate") {
  const progress now{.done = 41, .total = progress::unknown, .seconds = 2};
  CHECK(progress_line("rows", now, 80, true) == "rows: 41 [00:02, 20.5/s]");
  CHECK(progress_line("", now, 80, true) == " 41 [00:02, 20.5/s]");
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

/// What a bar writes to a terminal of 60 columns.
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

TEST_CASE("a progress bar draws on a terminal, and less where it is asked for less") {
  CHECK(drawn_with("xterm", "").find("█") != std::string::npos);
  CHECK(drawn_with("xterm", "").find("8/8") != std::string::npos);
  const std::string plain = drawn_with("xterm", "1");
  CHECK(plain.find("####") != std::string::npos);
  CHECK(plain.find("█") == std::string::npos);
  CHECK(drawn_with("dumb", "") == "done");
}
#endif
