// Marks the calling thread as a participant in a job of a pool, or as running one of its tasks.
//
// Calls that are made meanwhile find the mark: a nested loop is opened within that job, a task that
// is submitted belongs to that frame, and blocking() knows in which pool a thread is missing.
#pragma once

#include <parallel/detail/scheduler/job.hpp>
#include <parallel/detail/task/task_frame.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/detail/task/thread_context.hpp>

#include <utility>

namespace parallel::detail {

class scheduler;

/// Not to be const: the tasks that its thread queues are noted in its frame.
class participant_scope {
 public:
  /// The thread takes part in `work`; `helps` says that the job is another thread's.
  participant_scope(scheduler& pool, job& work, bool helps = false) noexcept
      : participant_scope(pool, &work, {.in_task = work.is_within_task(), .is_needed = helps},
                          nullptr) {}

  /// The thread runs a task of the pool.
  participant_scope(scheduler& pool, const queued_task& task) noexcept
      : participant_scope(pool, nullptr, {.in_task = true, .is_needed = true}, &task) {}

  participant_scope(const participant_scope&) = delete;
  participant_scope& operator=(const participant_scope&) = delete;
  ~participant_scope() {
    this_thread.job = outer_job_;
    this_thread.pool = outer_pool_;
  }

 private:
  participant_scope(scheduler& pool, job* work, task_frame::status as,
                    const queued_task* task) noexcept
      : frame_(&pool, as, task), outer_job_(std::exchange(this_thread.job, work)),
        outer_pool_(std::exchange(this_thread.pool, &pool)) {}

  task_frame frame_;
  job* const outer_job_;
  scheduler* const outer_pool_;
};

} // namespace parallel::detail
