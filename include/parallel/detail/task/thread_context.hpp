// What the library keeps for each thread, in one place: what the thread runs, for which pools it
// works, and two numbers that save work.
//
// Every member is a plain word without a destructor, so that no thread has to register a destructor
// with the loader; platform/loaded_code.hpp says why it must not.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

class task_frame;
class job;
class scheduler;
struct worker;
struct blocked_pools;
class loop_position;

struct thread_context {
  /// The innermost frame, of any pool: the task, or the part of a loop, that the thread runs.
  per_thread<task_frame*> frame = nullptr;

  // For thread_pools:
  per_thread<detail::worker*> worker = nullptr;       ///< the worker that the thread is
  per_thread<scheduler*> home = nullptr;              ///< the pool that this worker belongs to
  per_thread<scheduler*> pool = nullptr;              ///< the pool of the innermost job or task
  per_thread<detail::job*> job = nullptr;             ///< the innermost job that it takes part in
  per_thread<const blocked_pools*> blocked = nullptr; ///< the pools in which it is blocked
  /// The number of a thread that is not a worker; 0 until one is chosen.
  per_thread<std::size_t> caller_number = 0;

  // For io_pools:
  per_thread<const void*> io_home = nullptr; ///< the pool that the thread belongs to
  per_thread<const void*> io_pool = nullptr; ///< the same, but null once it takes no more tasks
  per_thread<const loop_position*> io_element = nullptr; ///< the innermost element that it runs

  /// The quick clock's value when a call that stayed on this thread last read it.
  per_thread<std::uint64_t> clock_reading = 0;

  /// The state of the thread's random number generator; 0 until it is seeded.
  per_thread<std::uint64_t> random_state = 0;
};

inline constinit thread_local thread_context this_thread;

} // namespace parallel::detail
