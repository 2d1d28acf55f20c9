// Functions whose caller chooses where they run: on a thread_pool, on an io_pool or, for debugging,
// on the calling thread alone.
#include <parallel/imap.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map_reduce.hpp>
#include <parallel/serial.hpp>

#include <functional>
#include <iostream>
#include <ranges>

/// Each executor has its own type of options: those of a thread_pool have a grain, those of an
/// io_pool a number of calls in flight.
template <parallel::executor E>
long sum_of_squares(E& executor, long n, const typename E::call_options& options = {}) {
  return parallel::map_reduce(
      executor, std::views::iota(1L, n + 1), [](long x) { return x * x; }, 0L, std::plus<>(),
      options);
}

/// imap needs an executor that also runs tasks, as all three do.
template <parallel::task_executor E>
long sum_as_they_end(E& executor, long n) {
  long sum = 0;
  auto squares =
      parallel::imap_unordered(executor, std::views::iota(1L, n + 1), [](long x) { return x * x; });
  for (const long square : squares)
    sum += square;
  return sum;
}

int main() {
  parallel::io_pool io;
  parallel::thread_pool& cores = parallel::default_pool();
  std::cout << sum_of_squares(cores, 1'000, {.grain = 100}) << ' '
            << sum_of_squares(io, 1'000, {.in_flight = 4}) << ' '
            << sum_of_squares(parallel::serial, 1'000) << '\n';
  std::cout << sum_as_they_end(cores, 1'000) << ' ' << sum_as_they_end(io, 1'000) << ' '
            << sum_as_they_end(parallel::serial, 1'000) << '\n';
  std::cout << (cores.size() == parallel::default_concurrency() ? "all processors\n" : "others\n");
}
