// What the library keeps for each thread, in one place: what the thread runs, for which pools it
// works, and what saves it a look at the clock.
//
// All members are plain words without a destructor, so that no thread has to register anything with
// the loader (see platform/loaded_code.hpp).
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
  /// The innermost task, or part of a loop, that the thread runs; of any pool.
  per_thread<task_frame*> frame = nullptr;

  // In thread_pools:
  per_thread<detail::worker*> worker = nullptr;       ///< the worker that the thread is
  per_thread<scheduler*> home = nullptr;              ///< the pool whose worker it is
  per_thread<scheduler*> pool = nullptr;              ///< the pool of the innermost job or task
  per_thread<detail::job*> job = nullptr;             ///< the innermost job in which it takes part
  per_thread<const blocked_pools*> blocked = nullptr; ///< the pools in which it is blocked
  per_thread<std::size_t> caller_number = 0; ///< of a thread that is no worker; 0: not chosen yet

  // In io_pools:
  per_thread<const void*> io_home = nullptr; ///< the pool of which it is a thread
  per_thread<const void*> io_pool = nullptr; ///< the same, until it no longer takes tasks
  per_thread<const loop_position*> io_element = nullptr; ///< the innermost element that it runs

  /// When it last read the clock in a call that stayed on its thread.
  per_thread<std::uint64_t> clock_reading = 0;

  /// The state of its random number generator; 0: not seeded yet.
  per_thread<std::uint64_t> random_state = 0;
};

inline constinit thread_local thread_context this_thread;

} // namespace parallel::detail
