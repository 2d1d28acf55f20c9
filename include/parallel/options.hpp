// What a call can be told besides its range and its function, and what an executor is.
//
// Options are aggregates, written with designated initializers at the end of a call:
// parallel::map(xs, f, {.grain = 64}). Entered from every public header.
#pragma once

#include <concepts>
#include <cstddef>

namespace parallel {

namespace detail {

/// The most threads that a pool can be asked for: a mistake above, such as -1, is told as one.
inline constexpr std::size_t most_threads = 65'536;

} // namespace detail

/// Options of a call on a thread_pool.
struct map_options {
  /// Elements that a thread claims at a time, at least 1; the end of the range may make one claim
  /// smaller, and more than 2^32 claims make all larger. 0, the default, measures the elements and
  /// sizes claims to ten microseconds, less at the start and at the end, and runs calls too small
  /// to share on the caller alone.
  std::size_t grain = 0;
};

/// Options of a call on an io_pool.
struct io_map_options {
  /// Calls of the function under way at once, the one on the calling thread included. 0, the
  /// default, means the pool's max_threads; more than the pool's threads and the caller can run is
  /// no error, but gains nothing.
  std::size_t in_flight = 0;
};

/// Options of an io_pool.
struct io_options {
  /// Threads that the pool grows to, at least 1. A thread is made when work arrives and none is
  /// free, so a generous number costs nothing until it is needed.
  std::size_t max_threads = 64;

  /// Tasks that may wait for a thread, at least 1; a submit() beyond it blocks until one has begun.
  std::size_t queue = 1024;
};

/// Something that algorithms run on: thread_pool or io_pool. It names its per-call options and
/// provides run_loop(executor, n, options, body), found by argument-dependent look-up, which calls
/// body(begin, end) for disjoint ranges that cover [0, n) and rethrows the exception of the lowest.
/// It may provide prepare_memory(executor, memory, bytes), called before results are made there.
template <class E>
concept executor = requires(E& e, const typename E::call_options& options,
                            void (*body)(std::size_t, std::size_t)) {
  requires std::default_initializable<typename E::call_options>;
  run_loop(e, std::size_t{}, options, body);
};

} // namespace parallel
