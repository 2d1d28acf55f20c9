// A progress hook of your own, for a log, and a bar on another stream. Prints how far the call has
// come when it ends.
#include <parallel/imap.hpp>
#include <parallel/map.hpp>
#include <parallel/progress.hpp>

#include <cstdio>
#include <iostream>
#include <ranges>

/// Called at most ten times per second, by one thread at a time, and once more at the end.
void report(const parallel::progress& now) {
  if (now.last) {
    std::cout << now.done << " of ";
    if (now.total == parallel::progress::unknown)
      std::cout << "an unknown number\n";
    else
      std::cout << now.total << '\n';
  } else {
    std::cerr << now.done << " after " << now.seconds << " s, " << now.rate() << " a second, "
              << now.seconds_left() << " s to go\n";
  }
}

int main() {
  const auto numbers = std::views::iota(0, 5'000);
  const auto halve = [](int x) { return x / 2; };
  parallel::map(numbers, halve, {.progress = report});

  // How many elements pass the filter is not known before they have been read.
  auto even = numbers | std::views::filter([](int x) { return x % 2 == 0; });
  for ([[maybe_unused]] const int half : parallel::imap(even, halve, {.progress = report})) {
  }

  parallel::progress_bar bar(
      {.description = "halving", .stream = stdout}); // draws on a terminal only
  parallel::map(numbers, halve, {.progress = bar});
}
