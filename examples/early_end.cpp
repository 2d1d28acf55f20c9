// Calls that end early throw an exception that says why: a stop was requested, the deadline passed,
// or the pool has been shut down.
#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <ranges>

struct switch_off {
  std::atomic<bool> is_off{false};
  [[nodiscard]] bool stop_requested() const { return is_off; }
};

int main() {
  using namespace std::chrono_literals;
  const auto numbers = std::views::iota(0, 1'000'000);

  switch_off found; // a search: when it has found something, the rest is not needed
  try {
    parallel::for_each(numbers, [&](int x) { found.is_off = found.is_off || x % 1'000 == 999; },
                       {.stop = &found});
  } catch (const parallel::stopped&) {
    std::cout << "found\n";
  }

  try {
    parallel::for_each(numbers, [](int) {}, {.deadline = 0s});
  } catch (const parallel::deadline_exceeded&) {
    std::cout << "too late\n";
  }

  parallel::thread_pool pool(2);
  pool.shutdown(parallel::discard); // discards the tasks that have not begun (here there are none)
  try {
    pool.submit([] {});
  } catch (const parallel::error& error) { // the base class of all three
    std::cout << error.what() << '\n';
  }
}
