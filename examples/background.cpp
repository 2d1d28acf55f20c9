// A map and a single task that run in the background: each returns a future of its result.
#include <parallel/map_async.hpp>
#include <parallel/thread_pool.hpp>

#include <future>
#include <iostream>
#include <numeric>
#include <utility>
#include <vector>

int main() {
  parallel::thread_pool pool;
  std::vector<int> numbers(1'000);
  std::iota(numbers.begin(), numbers.end(), 1);

  std::future<std::vector<long>> squares =
      parallel::map_async(pool, std::move(numbers), [](long x) { return x * x; });
  std::future<const char*> word = pool.submit([] { return "squares up to"; });

  std::cout << word.get() << ' ' << squares.get().back() << '\n';
}
