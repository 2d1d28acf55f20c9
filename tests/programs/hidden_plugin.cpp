// A shared library that exports nothing but these functions; unloading.cpp opens and closes it.
#include <parallel/blocking.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <vector>

#define SHOWN extern "C" __attribute__((visibility("default")))

namespace {

const std::vector<int> xs(64, 1);

/// Maps, with compensating workers too, and tasks.
template <class Pool>
bool uses(Pool& pool) {
  const auto twice =
      parallel::map(pool, xs, [](int x) { return parallel::blocking([x] { return 2 * x; }); });
  return twice == std::vector<int>(64, 2) && pool.submit([] { return 3; }).get() == 3;
}

} // namespace

SHOWN bool maps_on_default_pool() {
  return parallel::map(xs, [](int x) { return 2 * x; }) == std::vector<int>(64, 2);
}

/// The pool ends with the library.
SHOWN bool uses_own_thread_pool() {
  static parallel::thread_pool pool(4);
  return uses(pool);
}

SHOWN bool uses_own_io_pool() {
  static parallel::io_pool pool;
  return uses(pool);
}
