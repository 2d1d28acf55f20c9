// A shared library whose static constructor uses every kind of pool; loading.cpp opens it.
#include <parallel/parallel.hpp>

#include <functional>
#include <future>
#include <numeric>
#include <vector>

namespace {

/// Whether every algorithm has the right result, though each waits for threads that have just
/// started.
template <class Pool>
bool has_right_results(Pool& pool) {
  std::vector<int> xs(64);
  std::iota(xs.begin(), xs.end(), 0);
  bool right = pool.submit([] { return 1; }).get() == 1;
  right &= parallel::map(pool, xs, [](int x) { return x; }) == xs;
  right &= parallel::map_reduce(
               pool, xs, [](int x) { return x; }, 0, std::plus<>()) == 2'016;
  int sum = 0;
  for (const int result : parallel::imap(pool, xs, [](int x) { return x; }))
    sum += result;
  right &= sum == 2'016;
  std::vector<std::future<int>> tasks;
  for (int i = 0; i < 8; ++i)
    tasks.push_back(pool.submit([i] { return i; }));
  for (auto&& [index, task] : parallel::as_completed(pool, tasks))
    right &= task.get() == static_cast<int>(index);
  right &= pool.submit([&] { return pool.get(pool.submit([] { return 2; })); }).get() == 2;
  return right;
}

/// Tasks that are blocked until a compensating worker has run another one.
bool blocks() {
  std::promise<void> others;
  const std::shared_future<void> ran = others.get_future().share();
  parallel::thread_pool pool(2);
  auto first = pool.submit([&] { parallel::blocking([&] { ran.wait(); }); });
  auto second = pool.submit([&] { parallel::blocking([&] { ran.wait(); }); });
  auto third = pool.submit([&] { others.set_value(); });
  first.get();
  second.get();
  third.get();
  return true;
}

bool use_all() {
  parallel::thread_pool own(4);
  parallel::io_pool io;
  bool right = has_right_results(own) && has_right_results(io) &&
               has_right_results(parallel::default_pool()) && blocks();
  right &= parallel::map(std::vector<int>(64, 1), [](int x) {
             return parallel::blocking([x] { return x; });
           }) == std::vector<int>(64, 1);
  return right;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const bool loaded_right = use_all();
