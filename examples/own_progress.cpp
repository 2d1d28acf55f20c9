// Progress in words of one's own, for a log; and a bar that goes to another stream. Prints how far
// the call has come when it ends.
#include <parallel/imap.hpp>
#include <parallel/map.hpp>
#include <parallel/progress.hpp>

#include <cstdio>
#include <iostream>
#include <ranges>

/// Ten times a second at most, by one thread at a time, and once more at the end.
void report(const parallel::progress& now) {
  if (now.last) {
    std::cout << now.done << " of ";
    if (now.total == parallel::progress::unknown)
      std::cout << "who knows how many\n";
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

  // What a filter lets through is not known before it has been looked at.
  auto even = numbers | std::views::filter([](int x) { return x % 2 == 0; });
  for ([[maybe_unused]] const int half : parallel::imap(even, halve, {.progress = report})) {
  }

  parallel::progress_bar bar({.description = "halving", .stream = stdout}); // silent in a file
  parallel::map(numbers, halve, {.progress = bar});
}
