// While a thread of a pool is blocked, a compensating worker runs what it could have run.
//
// blocked_scope counts the calling thread as blocked and sees to it that enough compensating
// workers are active. compensating_loop is what these run. Both are templates, so that programs in
// which nothing blocks do not pay for them.
#pragma once

#include <parallel/detail/observe/counter.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/scheduler/compensation.hpp>
#include <parallel/detail/scheduler/job.hpp>
#include <parallel/detail/scheduler/job_search.hpp>
#include <parallel/detail/scheduler/participant_scope.hpp>
#include <parallel/detail/scheduler/scheduler.hpp>
#include <parallel/detail/scheduler/worker.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/detail/task/thread_context.hpp>

namespace parallel::detail {

/// Compensating workers of one pool. `Job` is what the pool's make_job makes.
template <class Job>
class compensating_loop {
 public:
  /// The calling thread is blocked for the pool from now on. Activates a compensating worker if
  /// there is work for it, or starts one if fewer exist than threads are blocked.
  static void begin_blocked(scheduler& pool) noexcept {
    const compensating_loop self(pool);
    compensation& counts = pool.workers_.compensation();
    counts.add_blocked();
    if (counts.needs_active() && (counts.needs_new() || self.any_work()))
      pool.workers_.activate_compensating(
          {[](void* its_pool, worker& each) noexcept {
             compensating_loop(*static_cast<scheduler*>(its_pool)).work(each);
           },
           this_module()});
  }

  static void end_blocked(scheduler& pool) noexcept {
    pool.workers_.compensation().remove_blocked();
  }

 private:
  explicit compensating_loop(scheduler& pool) noexcept : pool_(pool) {}

  /// What a compensating worker runs from its start to its end.
  void work(worker& self) const noexcept {
    this_thread.home = &pool_;
    compensation& counts = pool_.workers_.compensation();
    while (pool_.workers_.wait_for_compensating_work(
        self, [this] { return any_work(); }, [this] { return pool_.tasks_.at_rest(); })) {
      self.busy.start();
      bool is_running = true; // until more run than threads are blocked, or it finds no work
      while (is_running) {
        // Tasks first: a job has its caller at least, but all threads may be blocked for a task.
        if (queued_task* const task = pool_.tasks_.pop()) {
          pool_.wake_and_run(*task);
          is_running = counts.keep_running();
        } else if (job* const joined = join_job()) {
          pool_.workers_.activate_compensating(self.entry_point); // another may be of use, too
          is_running = help_without_slot(static_cast<Job&>(*joined), self.loops);
        } else {
          counts.stop_running();
          is_running = false;
        }
      }
      self.busy.stop();
    }
  }

  [[nodiscard]] bool any_work() const noexcept {
    return find_job(pool_.workers_, [](const job& work) { return work.is_open_without_slot(); }) !=
               nullptr ||
           !pool_.tasks_.empty();
  }

  [[nodiscard]] job* join_job() const noexcept {
    return find_job(pool_.workers_, [](job& open) { return open.join_without_slot(); });
  }

  /// False when more workers run than threads are blocked: then this one no longer counts as
  /// running.
  PARALLEL_DETAIL_COMPACT bool help_without_slot(Job& work, loop_counts& own) const noexcept {
    bool is_running = true;
    bool nothing_left = false;
    {
      const trace_span span("help");
      participant_scope scope(pool_, work, true);
      nothing_left = work.help_without_slot(own, [&] {
        return is_running = is_running && pool_.workers_.compensation().keep_running();
      });
    }
    if (nothing_left)
      work.withdraw_and_leave_without_slot();
    else
      work.leave_without_slot();
    return is_running;
  }

  scheduler& pool_;
};

/// The pools that lose the calling thread while it blocks: the pool whose job or task it runs, and
/// the pool whose worker it is. A pool that an enclosing blocked_scope has counted already is null
/// here, as the thread may work for another pool while it is blocked.
struct blocked_pools {
  scheduler* pool; // in whose job or task the thread takes part; or null
  scheduler* home; // whose worker it is; null if that is the same, or none
  const blocked_pools* around;

  [[nodiscard]] static blocked_pools of_this_thread() noexcept {
    const blocked_pools* const around = this_thread.blocked;
    const auto unless_included = [around](scheduler* pool) -> scheduler* {
      for (const blocked_pools* each = around; each != nullptr; each = each->around)
        if (each->pool == pool || each->home == pool)
          return nullptr;
      return pool;
    };
    if (this_thread.pool == nullptr)
      return {nullptr, nullptr, around};
    scheduler* const home = this_thread.home == this_thread.pool ? nullptr : this_thread.home;
    return {unless_included(this_thread.pool), unless_included(home), around};
  }
};

/// While it lives, its thread is blocked: compensating workers run what it could have run, for the
/// pool in whose job or task it takes part, and for the pool whose worker it is.
template <class Job>
class blocked_scope {
 public:
  blocked_scope() noexcept : pools_(blocked_pools::of_this_thread()) {
    if (pools_.pool != nullptr)
      compensating_loop<Job>::begin_blocked(*pools_.pool);
    if (pools_.home != nullptr)
      compensating_loop<Job>::begin_blocked(*pools_.home);
    this_thread.blocked = &pools_;
  }
  blocked_scope(const blocked_scope&) = delete;
  blocked_scope& operator=(const blocked_scope&) = delete;
  ~blocked_scope() {
    this_thread.blocked = pools_.around;
    if (pools_.pool != nullptr)
      compensating_loop<Job>::end_blocked(*pools_.pool);
    if (pools_.home != nullptr)
      compensating_loop<Job>::end_blocked(*pools_.home);
  }

 private:
  const blocked_pools pools_;
};

} // namespace parallel::detail
