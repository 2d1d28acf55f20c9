// What the types promise at compile time, and what executors of version 1.0 are still promised.
// What must not compile is in tests/rejected/.
// The deprecation of run_loop, which old_executor below has, is reported where algorithms call it.
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif

#include "catch.hpp"

#include <parallel/parallel.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using ints = std::vector<int>;

template <class Expected, class Actual>
constexpr bool is = std::is_same_v<Expected, Actual>;

// map returns a vector of what f returns, without reference and const.
template <class R>
using returning = R (*)(int);
template <class R>
using mapped = decltype(parallel::map(ints(), returning<R>()));
static_assert(is<std::vector<int>, mapped<int>>);
static_assert(is<std::vector<ints>, mapped<const ints&>>);
static_assert(is<std::vector<bool>, mapped<bool>>);
static_assert(is<std::vector<std::unique_ptr<int>>, mapped<std::unique_ptr<int>>>);

// Executors.
static_assert(parallel::executor<parallel::thread_pool>);
static_assert(parallel::executor<parallel::io_pool>);
static_assert(!parallel::executor<ints>);
static_assert(parallel::task_executor<parallel::thread_pool>);
static_assert(parallel::task_executor<parallel::io_pool>);
static_assert(parallel::task_executor<parallel::serial_executor>);

// Pools stay where they are.
template <class T>
constexpr bool pinned = !std::copyable<T> && !std::movable<T>;
static_assert(pinned<parallel::thread_pool>);
static_assert(pinned<parallel::io_pool>);

// Pool sizes are not converted from numbers by accident.
static_assert(!std::convertible_to<std::size_t, parallel::thread_pool>);

// submit gives a future of what the task returns.
using io = parallel::io_pool;
static_assert(is<std::future<int>, decltype(std::declval<io&>().submit([] { return 1; }))>);
static_assert(is<std::future<void>, decltype(std::declval<io&>().submit([] {}))>);

// A call that is given no options makes none, which would take as long as a small call.
static_assert(
    std::is_lvalue_reference_v<decltype(parallel::detail::no_options<parallel::thread_pool>())>);
static_assert(std::is_lvalue_reference_v<
              decltype(parallel::detail::no_options<parallel::serial_executor>())>);

// Options that make no sense on an executor are not members of its options.
template <class Options>
constexpr bool has_grain = requires(Options o) {
  o.grain;
};
template <class Options>
constexpr bool has_in_flight = requires(Options o) {
  o.in_flight;
};
static_assert(has_grain<parallel::thread_pool::call_options>);
static_assert(!has_grain<parallel::io_pool::call_options>);
static_assert(!has_in_flight<parallel::thread_pool::call_options>);
static_assert(has_in_flight<parallel::io_pool::call_options>);

/// An executor as version 1.0 had them: its entry is called run_loop.
struct old_executor {
  using call_options = parallel::map_options;
  template <class Body>
  friend void run_loop(old_executor& e, std::size_t n, const call_options&, const Body& body) {
    ++e.loops;
    body(std::size_t{0}, n);
  }
  int loops = 0;
};
static_assert(parallel::executor<old_executor>);

// Names of version 1.0 are the types that they were.
static_assert(std::same_as<parallel::io_options, parallel::io_pool_options>);
static_assert(std::same_as<parallel::pool_stats, parallel::thread_pool_stats>);

} // namespace

TEST_CASE("an executor of version 1.0, with run_loop, still maps, filters and reduces") {
  old_executor old;
  const ints xs{1, 2, 3};
  const auto twice = [](int x) { return 2 * x; };
  CHECK(parallel::map(old, xs, twice) == ints{2, 4, 6});
  CHECK(parallel::filter(old, xs, [](int x) { return x > 1; }) == ints{2, 3});
  CHECK(parallel::map_reduce(old, xs, twice, 0, std::plus<>()) == 12);
  CHECK(old.loops >= 3);
}
