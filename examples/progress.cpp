// A progress bar, and a stop on Ctrl-C that keeps the finished results. The bar is drawn on a
// terminal only: run this program in one and interrupt it.
#include <parallel/map.hpp>
#include <parallel/progress.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <ranges>
#include <thread>

std::atomic<bool> interrupted{false};

/// Any type with a member stop_requested() will do, such as std::stop_token.
struct on_interrupt {
  [[nodiscard]] bool stop_requested() const { return interrupted; }
};

int main() {
  std::signal(SIGINT, [](int) { interrupted = true; });
  parallel::progress_bar bar("waiting");
  const auto waits = parallel::try_map(std::views::iota(0, 100),
                                       [](int x) {
                                         std::this_thread::sleep_for(std::chrono::milliseconds(20));
                                         return x;
                                       },
                                       {.stop = on_interrupt{}, .progress = bar});
  int finished = 0;
  for (const auto& wait : waits)
    finished += wait ? 1 : 0;
  std::cout << finished << " of " << waits.size() << " finished\n";
}
