// What the types promise at compile time. What must not compile is in tests/rejected/.
#include <parallel/parallel.hpp>

#include <concepts>
#include <cstddef>
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

} // namespace
