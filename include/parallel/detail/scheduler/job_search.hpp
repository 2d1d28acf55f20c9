// Where a pool's jobs are offered, and how a worker finds one to join.
//
// Each regular worker has a list for the jobs that it opens; outside callers and compensating
// workers share these lists evenly. A search goes through all lists, so a job that is open is found
// wherever it is.
#pragma once

#include <parallel/detail/platform/atomic.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/scheduler/job.hpp>
#include <parallel/detail/scheduler/job_list.hpp>
#include <parallel/detail/scheduler/worker.hpp>
#include <parallel/detail/scheduler/workers.hpp>
#include <parallel/detail/task/thread_context.hpp>

#include <cstddef>

namespace parallel::detail {

/// The list in which the calling thread opens its jobs.
[[nodiscard]] inline job_list& own_job_list(workers& pool) noexcept {
  if (const worker* const self = pool.here())
    return pool[self->number % pool.size()].jobs; // a compensating worker's own is not searched
  static native_atomic<std::size_t> callers{0};
  if (this_thread.caller_number == 0)
    this_thread.caller_number =
        1 + callers.fetch_add(1, memory_order_relaxed); // relaxed: any distinct number will do
  return pool[this_thread.caller_number % pool.size()].jobs;
}

/// The first job for which found(job) is true, in the order of the workers; or null.
template <class Found>
[[nodiscard]] job* find_job(const workers& pool, const Found& found) noexcept {
  for (const worker& each : pool)
    if (job* const work = each.jobs.find(found))
      return work;
  return nullptr;
}

/// A regular worker: takes a slot in a job from the first list that has an open one, beginning with
/// its own so that the workers spread; null when there is none.
[[nodiscard]] inline job* join_nearest_job(workers& pool, worker& self) noexcept {
  std::size_t i = self.number;
  do {
    if (job* const work =
            pool[i].jobs.find([&](job& open) { return (self.slot = open.join()) != 0; }))
      return work;
    i = i + 1 < pool.size() ? i + 1 : 0;
  } while (i != self.number);
  return nullptr;
}

} // namespace parallel::detail
