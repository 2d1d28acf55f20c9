// Shares jobs and tasks among the workers of a pool.
//
// loop/run_loop.hpp calls open() and close() here for each call that is shared; work() is what each
// worker runs meanwhile. open() offers the job in the caller's list (job_search.hpp) and
// wakes a few sleeping workers. Each worker that joins wakes some more, so that a wide machine
// fills in logarithmic time. A worker without a job to join runs a task, or else sleeps. Behind
// this: joining and leaving (job.hpp), single tasks (task_queue.hpp), the threads (workers.hpp),
// and what happens while one of them is blocked (blocked_scope.hpp).
#pragma once

#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/backoff.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/scheduler/compensation.hpp>
#include <parallel/detail/scheduler/job.hpp>
#include <parallel/detail/scheduler/job_list.hpp>
#include <parallel/detail/scheduler/job_search.hpp>
#include <parallel/detail/scheduler/participant_scope.hpp>
#include <parallel/detail/scheduler/task_queue.hpp>
#include <parallel/detail/scheduler/worker.hpp>
#include <parallel/detail/scheduler/workers.hpp>
#include <parallel/detail/task/task_frame.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/detail/task/task_listeners.hpp>
#include <parallel/detail/task/thread_context.hpp>
#include <parallel/pool_options.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

class scheduler {
 public:
  /// Makes a job for `participants` threads, on the heap; throws std::bad_alloc.
  using make_job = job* (*)(std::size_t participants);

  /// For loops of up to options.threads threads: the caller and options.threads − 1 workers. No
  /// thread is started before a job is open or a task is queued.
  ///
  /// Jobs are used again, perhaps by another shared library with the same pool, when the library
  /// that needed them first has been closed. So `make` belongs to the library that makes the pool,
  /// and jobs run its code.
  scheduler(const thread_pool_options& options, make_job make)
      : make_job_(make),
        workers_( // each worker thread runs work(), below
            options,
            {[](void* pool, worker& self) noexcept { static_cast<scheduler*>(pool)->work(self); },
             this_module()},
            this) {}

  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  PARALLEL_DETAIL_COMPACT ~scheduler() {
    if (depends_on_this_thread())
      fatal("a thread_pool was destroyed by one of its own workers, which would have to wait for "
            "itself; let another thread own the pool");
    shutdown();
  }

  /// Whether shutdown() would wait for the calling thread: it is a worker, runs a task, or helps
  /// with another thread's job.
  [[nodiscard]] bool depends_on_this_thread() const noexcept {
    return workers_.here() != nullptr || task_frame::status_in(this).is_needed;
  }

  /// Waits until the workers have left their jobs and have run all tasks that are queued, those
  /// that running tasks still queue included; then ends the workers. Jobs that are opened later
  /// find no helper, and tasks are refused.
  void shutdown() noexcept {
    tasks_.close();
    workers_.stop();
  }

  /// Does the same, but discards the tasks that nobody has begun.
  void shutdown_and_discard() noexcept {
    if (tasks_.close_and_discard() && workers_.is_stopping())
      workers_.wake_all();
    workers_.stop();
  }

  /// Where the pool was made; see this_module().
  [[nodiscard]] const void* module() const noexcept { return workers_.module(); }

  /// The caller and the workers.
  [[nodiscard]] std::size_t concurrency() const noexcept { return workers_.size(); }
  /// How many of them can take part in one job.
  [[nodiscard]] std::size_t most_participants() const noexcept {
    constexpr std::size_t most_slots = job::most_inside - compensation::max_workers;
    return concurrency() <= most_slots ? concurrency() : most_slots + 1;
  }

  /// See workers and wake_cost.
  [[nodiscard]] std::size_t awake() const noexcept { return workers_.awake(); }
  [[nodiscard]] double wake_ns() const noexcept { return workers_.wake_cost().ns(); }
  void forget_wake() noexcept { workers_.wake_cost().forget(); }

  /// A job for the calling thread to open, until job_list::release().
  [[nodiscard]] PARALLEL_DETAIL_COMPACT job& acquire_job() {
    return own_job_list(workers_).acquire([this] { return make_job_(most_participants()); });
  }

  /// Offers a job to at most `slots` workers, fewer than most_participants(), and returns at once.
  /// Sleeping workers come only if `wakes` is not 0: then up to min(wakes, wakes_per_thread) of
  /// them are woken here, or one is started if none sleeps, and each worker that joins wakes more.
  /// The caller makes a participant_scope for the job next, which lives until close() has returned.
  PARALLEL_DETAIL_COMPACT void open(job& work, std::size_t slots, std::size_t wakes) noexcept {
    job* const parent = this_thread.job;
    work.open(static_cast<std::uint32_t>(slots), parent, task_frame::status_in(this).in_task,
              wakes != 0);
    if (parent != nullptr)
      parent->notify_owner();
    for (std::size_t woken = 0; woken < wakes && woken < wakes_per_thread && work.is_open();
         ++woken)
      if (!wake_one())
        break;
  }

  /// A participant: adds `slots` slots to the job, and wakes sleeping workers for all of its free
  /// slots.
  void open_further(job& work, std::size_t slots) noexcept {
    work.add_slots(static_cast<std::uint32_t>(slots));
    if (job* const parent = work.parent())
      parent->notify_owner();
    wake_helpers(work);
  }

  /// Withdraws a job and waits until its last helper has left. Meanwhile it runs nothing but jobs
  /// that helpers have opened within this one, for which these helpers wait; so the caller may hold
  /// a lock that other work of the pool takes.
  void close(job& work) noexcept {
    work.withdraw();
    backoff spin;
    work.wait([&] { return spin.pause_once(); },
              [&] {
                const bool helped = help_with_nested_job(work);
                if (helped)
                  spin = backoff();
                return helped;
              });
  }

  /// Gets one more worker going for a loop. True if it has woken a regular worker that slept; else
  /// it has started a new one, or activated a compensating worker, or found none.
  PARALLEL_DETAIL_COMPACT bool wake_one() noexcept {
    // Within a task the caller is itself one of the workers.
    const bool in_task = this_thread.job == nullptr && workers_.here() != nullptr;
    const std::uint64_t before = quick_clock::now();
    const bool slept = workers_.wake_one(in_task ? workers_.size() : helpers());
    if (slept)
      workers_.wake_cost().learn_waker(quick_clock::ns_between(before, quick_clock::now()));
    return slept;
  }

  enum class posted { queued, no_worker, no_memory, shut_down };

  /// Queues a task for a worker. Unless the result is `queued`, the task still belongs to the
  /// caller: there is no worker and none can be started, there is no memory to note its submitter,
  /// or the pool has been shut down.
  [[nodiscard]] posted post(queued_task& task) noexcept {
    const found_submitter submitter = find_submitter(task, tasks_.list());
    if (submitter.has_no_memory)
      return posted::no_memory;
    const bool first = workers_.none_started();
    if (first && !workers_.start_one(workers_.size()) && workers_.none_started() &&
        !workers_.is_stopping())
      return posted::no_worker;
    if (!tasks_.push(task, submitter.tasks, task_frame::status_in(this).in_task))
      return posted::shut_down;
    workers_.wake_one(first ? 0 : workers_.size()); // the first one is on its way, or sleeps again
    return posted::queued;
  }

  /// Tells the listener when tasks end, from now on until remove().
  void add(task_listener& listener) noexcept { tasks_.add(listener); }
  void remove(task_listener& listener) noexcept { tasks_.remove(listener); }

  /// Discards those helper tasks of `owner` that nobody has begun.
  void dismiss(const void* owner) noexcept {
    if (tasks_.dismiss(owner) && workers_.is_stopping())
      workers_.wake_all();
  }

  /// Runs the newest task that nobody has begun of those that were queued by what the calling
  /// thread runs right now, a task or a part of a loop; false when there is none. No other task
  /// would be safe to run here: it could wait for what lies beneath it on this stack, or for a lock
  /// that is held there.
  PARALLEL_DETAIL_COMPACT bool run_own_task() noexcept {
    const task_frame* const frame = task_frame::innermost();
    const frame_tasks* const own = frame != nullptr ? frame->tasks_in(tasks_.list()) : nullptr;
    queued_task* const task = own != nullptr ? tasks_.pop_own(*own) : nullptr;
    if (task != nullptr)
      run(*task);
    return task != nullptr;
  }

  /// Calls visit(job) for each job that has been opened so far.
  template <class Visit>
  void for_each_job(const Visit& visit) const {
    for (const worker& each : workers_)
      each.jobs.for_each(visit);
  }

  /// Calls visit(worker) for each worker that has been started, compensating workers included.
  template <class Visit>
  void for_each_started_worker(const Visit& visit) const {
    workers_.for_each_started(visit);
  }

  /// See task_queue::begun().
  [[nodiscard]] std::uint64_t tasks_begun() const noexcept { return tasks_.begun(); }

 private:
  template <class Job>
  friend class compensating_loop;

  /// How many workers a caller wakes, and each worker that has joined: a wake takes its waker a
  /// fraction of the time until the woken worker can wake others. (bench/simulation.hpp: 4 to 8 are
  /// about the best whatever the fraction; 2, as in a textbook's tree, are up to two fifths
  /// slower.)
  static constexpr std::uint32_t wakes_per_thread = 6;

  /// Workers that loops start: a caller takes part in each. For tasks there is one more.
  [[nodiscard]] std::size_t helpers() const noexcept { return workers_.size() - 1; }

  /// What a regular worker runs from its start to its end.
  PARALLEL_DETAIL_COMPACT void work(worker& self) noexcept {
    this_thread.home = this;
    const auto at_rest = [this] { return tasks_.at_rest(); };
    do {
      self.busy.start();
      for (;;) {
        // When the pool stops, jobs can do without helpers; but a task that is left may wait for
        // one.
        if (workers_.is_stopping() && at_rest())
          break;
        if (job* const joined = join_nearest_job(workers_, self)) {
          wake_helpers(*joined);
          help(*joined, self.slot, self.loops);
        } else if (queued_task* const task = tasks_.pop()) {
          wake_and_run(*task);
        } else {
          break;
        }
      }
      self.busy.stop();
    } while (workers_.wait_for_work(
        self, [this] { return any_work(); }, at_rest));
  }

  [[nodiscard]] bool any_work() const noexcept {
    return find_job(workers_, [](const job& work) { return work.is_open(); }) != nullptr ||
           !tasks_.empty();
  }

  PARALLEL_DETAIL_COMPACT void help(job& work, std::uint32_t slot, loop_counts& own) noexcept {
    {
      const trace_span span("help");
      participant_scope scope(*this, work, true);
      work.help(slot, own);
    }
    work.withdraw_and_leave(slot);
  }

  /// Helps with a job that was opened within `parent`, the calling thread's own; false when there
  /// is none.
  bool help_with_nested_job(job& parent) noexcept {
    std::uint32_t slot = 0;
    // is_open() first, as it is seq_cst: see job::notify_owner().
    job* const child = find_job(workers_, [&](job& open) {
      return open.is_open() && open.parent() == &parent && (slot = open.join()) != 0;
    });
    if (child == nullptr)
      return false;
    if (child->parent() == &parent)
      help(*child, slot, parent.owner_counts());
    else
      child->leave(slot); // it ended meanwhile, and was opened again elsewhere
    return true;
  }

  /// A participant that has just joined a job, or has opened it further: wakes workers for its free
  /// slots, within limits; or else one if there is other work.
  PARALLEL_DETAIL_COMPACT void wake_helpers(const job& work) noexcept {
    const std::uint32_t slots = work.free_slots();
    const std::uint32_t most =
        work.wakes() && workers_.can_wake_one(helpers()) ? wakes_per_thread : 0;
    for (std::uint32_t woken = 0; woken < slots && woken < most && work.is_open(); ++woken)
      workers_.wake_one(helpers());
    if (slots == 0 && any_work())
      workers_.wake_one(tasks_.empty() ? helpers() : workers_.size());
  }

  PARALLEL_DETAIL_COMPACT void run(queued_task& task) noexcept {
    {
      const trace_span span(task.owner() == nullptr ? "task" : "help");
      participant_scope scope(*this, task);
      task.run();
    }
    if (tasks_.ended() && workers_.is_stopping()) // seq_cst both, see idle_set
      workers_.wake_all();
  }

  void wake_and_run(queued_task& task) noexcept {
    if (!tasks_.empty()) // another worker may be of use for the next task
      workers_.wake_one(workers_.size());
    run(task);
  }

  const make_job make_job_;
  workers workers_; // as many as the concurrency
  task_queue tasks_;
};

} // namespace parallel::detail
