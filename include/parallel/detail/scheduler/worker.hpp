// One worker of a thread_pool: its thread, what that runs, where it sleeps, and what it has
// counted.
//
// Regular workers and compensating workers (scheduler/compensation.hpp) are the same struct; only
// what they run differs. All of it is plain data, which scheduler/workers.hpp works on.
#pragma once

#include <parallel/detail/observe/counter.hpp>
#include <parallel/detail/observe/stopwatch.hpp>
#include <parallel/detail/platform/affinity.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/scheduler/job_list.hpp>
#include <parallel/detail/scheduler/parking.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

class worker_threads;
struct worker;

/// What a worker's thread runs.
struct entry_point {
  /// work(pool, self) returns when workers::wait_for_work() says so, or, for a compensating worker,
  /// wait_for_compensating_work().
  void (*work)(void* pool, worker& self) noexcept = nullptr;
  const void* module = nullptr; // where that code is; see this_module()
};

/// The first worker has a thread only if tasks are posted, but its list of jobs is always used:
/// outside callers offer their jobs in the lists of the workers.
struct alignas(64) worker {
  job_list jobs;                  // unused by compensating workers
  worker_threads* home = nullptr; // of its pool
  std::size_t number = 0;         // its index; compensating workers are numbered after the others
  std::uint32_t slot = 0;         // in the job that it has joined
  detail::entry_point entry_point;
  module_reference code; // of a compensating worker's entry point
  parker parking;
  // The worker's while it is awake; its waker's from idle_set::claim() to the wake:
  wake_affinity affinity;
  int waker_processor = -1;
  std::uint64_t woken_at = 0;
  bool is_active = false; // of a compensating worker: not parked, see compensation
  native_thread thread;   // started under workers::starting_, joined under joining_
  // What it has done. Any thread may read this:
  alignas(64) loop_counts loops;
  counter parks;
  counter wakes; // each ends one of the parks, and is counted after it
  stopwatch alive;
  stopwatch busy; // from when it has found work until it finds no more
};

} // namespace parallel::detail
