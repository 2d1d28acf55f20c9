// What workers do: they look for a job to help with, or else a task, and sleep when there is none.
//
// This is the last of the three rooms on the way from parallel::map (map.hpp, loop/loop.hpp, here).
// A job is offered in the list of the thread that opened it, who wakes a few that sleep; each
// worker that joins wakes some more, so that a wide machine fills in logarithmic time. While a
// worker is blocked, a stand-in does the same without a slot. Behind it: scheduler/job.hpp (joining
// and leaving), scheduler/task_queue.hpp (single tasks), scheduler/workers.hpp (the threads).
#pragma once

#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/atomic.hpp>
#include <parallel/detail/platform/backoff.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/scheduler/job.hpp>
#include <parallel/detail/scheduler/parking.hpp>
#include <parallel/detail/scheduler/task_queue.hpp>
#include <parallel/detail/scheduler/workers.hpp>
#include <parallel/detail/task/task_frame.hpp>
#include <parallel/detail/task/thread_context.hpp>
#include <parallel/pool_options.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace parallel::detail {

/// In which pools a thread that blocks is to be replaced: not where it is already, as it may do
/// something for another pool while it is blocked.
struct blocked_pools {
  scheduler* pool; // null when there is nobody to stand in for
  scheduler* home; // null if it is the same, or none
  const blocked_pools* around;

  [[nodiscard, gnu::cold]] static blocked_pools of_this_thread() noexcept {
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

class scheduler {
 public:
  /// Makes a job for so many threads, on the heap; throws std::bad_alloc.
  using make_job = job* (*)(std::size_t participants);

  /// For loops of up to options.threads: a caller and that many workers less one. No thread is
  /// started before a job is open.
  ///
  /// Jobs are used again, perhaps by another shared library with the same pool, when the one that
  /// needed them first has been closed. So they are made by, and have the code of, the one that has
  /// made the pool.
  [[gnu::cold]] scheduler(const thread_pool_options& options, make_job make)
      : make_job_(make),
        workers_(
            options,
            {[](void* pool, worker& self) noexcept { static_cast<scheduler*>(pool)->work(self); },
             this_module()},
            this) {}

  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  [[gnu::cold]] ~scheduler() {
    if (is_needed_here())
      fatal("a thread_pool was destroyed by one of its own workers, which would have to wait for "
            "itself; let another thread own the pool");
    shutdown();
  }

  /// The calling thread is one of the workers, or runs a task or helps with a loop of another
  /// thread: shutdown() would wait for it.
  [[nodiscard]] bool is_needed_here() const noexcept {
    return workers_.here() != nullptr || task_frame::role_in(this).is_needed;
  }

  /// Waits for the workers to finish what they are helping with, and to run the tasks that are
  /// queued, those that running tasks still queue too; then they end. Jobs that are opened later
  /// find no helper, and tasks are refused.
  [[gnu::cold]] void shutdown() noexcept {
    tasks_.close();
    workers_.stop();
  }

  /// Likewise, without the tasks that nobody has begun.
  [[gnu::cold]] void shutdown_and_discard() noexcept {
    if (tasks_.close_and_discard() && workers_.is_stopping())
      workers_.wake_all();
    workers_.stop();
  }

  /// Where it was made; see this_module().
  [[nodiscard]] const void* module() const noexcept { return workers_.module(); }

  /// The caller and the workers.
  [[nodiscard]] std::size_t concurrency() const noexcept { return workers_.size(); }
  /// How many of them can take part in one job.
  [[nodiscard, gnu::cold]] std::size_t most_participants() const noexcept {
    constexpr std::size_t most_slots = job::most_inside - compensation::most;
    return concurrency() <= most_slots ? concurrency() : most_slots + 1;
  }

  /// See scheduler/workers.hpp.
  [[nodiscard, gnu::cold]] std::size_t awake() const noexcept { return workers_.awake(); }
  [[nodiscard, gnu::cold]] double wake_ns() const noexcept { return workers_.wake_ns(); }
  [[gnu::cold]] void forget_wake() noexcept { workers_.forget_wake(); }

  /// A job to open, until job_list::release().
  [[nodiscard, gnu::cold]] job& acquire_job() {
    return own_list().acquire([this] { return make_job_(most_participants()); });
  }

  /// While it lives, its thread takes part in a job of this pool. Not to be const: what is queued
  /// meanwhile is noted in its frame.
  class part_of {
   public:
    /// `helps`: with the job of another thread.
    part_of(scheduler& pool, job& work, bool helps = false) noexcept
        : part_of(pool, &work, {.in_task = work.is_within_task(), .is_needed = helps}, nullptr) {}

    /// Runs a task of the pool.
    part_of(scheduler& pool, const queued_task& task) noexcept
        : part_of(pool, nullptr, {.in_task = true, .is_needed = true}, &task) {}

    part_of(const part_of&) = delete;
    part_of& operator=(const part_of&) = delete;
    ~part_of() {
      this_thread.job = job_;
      this_thread.pool = pool_;
    }

   private:
    part_of(scheduler& pool, job* work, task_frame::role as, const queued_task* task) noexcept
        : own_(&pool, as, task), job_(std::exchange(this_thread.job, work)),
          pool_(std::exchange(this_thread.pool, &pool)) {}

    task_frame own_;
    job* const job_;
    scheduler* const pool_;
  };

  /// While it lives, its thread is blocked: stand-ins do what it could have done for the pool in
  /// whose job or task it takes part, and for the one whose worker it is. `Job` is what make_job
  /// makes: so what stand-ins do is compiled only where something blocks.
  template <class Job>
  class blocked {
   public:
    [[gnu::cold]] blocked() noexcept : here_(blocked_pools::of_this_thread()) {
      if (here_.pool != nullptr)
        here_.pool->block<Job>();
      if (here_.home != nullptr)
        here_.home->block<Job>();
      this_thread.blocked = &here_;
    }
    blocked(const blocked&) = delete;
    blocked& operator=(const blocked&) = delete;
    [[gnu::cold]] ~blocked() {
      this_thread.blocked = here_.around;
      if (here_.pool != nullptr)
        here_.pool->workers_.compensating().unblock();
      if (here_.home != nullptr)
        here_.home->workers_.compensating().unblock();
    }

   private:
    const blocked_pools here_;
  };

  /// Offers a job to at most `slots` workers, fewer than most_participants(), and returns at once.
  /// If it `wakes` any, it is for such as sleep, too: a few of them are woken here, or one is
  /// started, and who joins wakes more. The caller then becomes part_of the job, until close() has
  /// returned.
  [[gnu::cold]] void open(job& work, std::size_t slots, std::size_t wakes) noexcept {
    job* const parent = this_thread.job;
    work.open(static_cast<std::uint32_t>(slots), parent, task_frame::role_in(this).in_task,
              wakes != 0);
    if (parent != nullptr)
      parent->notify_owner();
    for (std::size_t woken = 0; woken < wakes && woken < wakes_each && work.is_open(); ++woken)
      if (!wake_one())
        break;
  }

  /// A thread that takes part in a job: offers it to so many more workers, asleep or awake, and the
  /// slots that are free already to those asleep, too.
  [[gnu::cold]] void open_further(job& work, std::size_t slots) noexcept {
    work.add_slots(static_cast<std::uint32_t>(slots));
    if (job* const parent = work.parent())
      parent->notify_owner();
    wake_for(work);
  }

  /// Gets one more worker going: one that sleeps, then it says true; or else a new one.
  [[gnu::cold]] bool wake_one() noexcept {
    // Within a task the caller is itself one of the workers.
    const bool in_task = this_thread.job == nullptr && workers_.here() != nullptr;
    const std::uint64_t before = quick_clock::now();
    const bool slept = workers_.wake_one(in_task ? workers_.size() : helpers());
    if (slept)
      workers_.learn_from_waking(quick_clock::ns_between(before, quick_clock::now()));
    return slept;
  }

  /// Withdraws a job and waits until the last helper is out of it. The wait runs nothing but jobs
  /// that helpers have opened within this one, without which it cannot end: a lock that the caller
  /// holds is not asked for again beneath it.
  [[gnu::cold]] void close(job& work) noexcept {
    work.withdraw();
    backoff spin;
    work.wait([&] { return spin.pause_once(); },
              [&] {
                const bool helped = help_within(work);
                if (helped)
                  spin = backoff();
                return helped;
              });
  }

  enum class posted { queued, no_worker, no_memory, shut_down };

  /// Queues a task for a worker; unless it says `queued`, the task still belongs to the caller:
  /// there is no worker and none can be started, no memory to note whose it is, or the pool has
  /// been shut down.
  [[nodiscard, gnu::cold]] posted post(queued_task& task) noexcept {
    const submitter_of_task submitter = submitter_of(task, tasks_.list());
    if (submitter.has_no_memory)
      return posted::no_memory;
    const bool first = workers_.none_started();
    if (first && !workers_.start_one(workers_.size()) && workers_.none_started() &&
        !workers_.is_stopping())
      return posted::no_worker;
    if (!tasks_.push(task, submitter.tasks, task_frame::role_in(this).in_task))
      return posted::shut_down;
    workers_.wake_one(first ? 0 : workers_.size()); // the first one is on its way, or sleeps again
    return posted::queued;
  }

  /// Tells the listener, from now on until remove(), when tasks end.
  [[gnu::cold]] void add(task_listener& listener) noexcept { tasks_.add(listener); }
  [[gnu::cold]] void remove(task_listener& listener) noexcept { tasks_.remove(listener); }

  /// Discards the tasks that help with `owner`, those that nobody has begun.
  [[gnu::cold]] void dismiss(const void* owner) noexcept {
    if (tasks_.dismiss(owner) && workers_.is_stopping())
      workers_.wake_all();
  }

  /// Calls visit(job) for those that have been opened so far.
  template <class Visit>
  void for_each_job(const Visit& visit) const {
    for (const worker& each : workers_)
      each.jobs.for_each(visit);
  }

  /// Calls visit(worker) for those that have run so far, stand-ins included.
  template <class Visit>
  void for_each_started_worker(const Visit& visit) const {
    workers_.for_each_started(visit);
  }

  /// See scheduler/task_queue.hpp.
  [[nodiscard]] std::uint64_t tasks_begun() const noexcept { return tasks_.begun(); }

  /// Runs the task that was queued last by what the calling thread runs right now, a task or a part
  /// of a loop, of those that nobody has begun; false when there is none. To run any other here
  /// would not be safe: that one could wait for what lies beneath it on this stack, or for a lock
  /// that is held there.
  [[gnu::cold]] bool run_own_task() noexcept {
    const task_frame* const frame = task_frame::innermost();
    const frame_tasks* const own = frame != nullptr ? frame->owned_in(tasks_.list()) : nullptr;
    queued_task* const task = own != nullptr ? tasks_.pop_own(*own) : nullptr;
    if (task != nullptr)
      run(*task);
    return task != nullptr;
  }

 private:
  /// How many workers a caller wakes, and each that has joined: a wake takes its waker a fraction
  /// of the time until the woken one can wake others. (bench/simulation.hpp: 4 to 8 are about the
  /// best whatever the fraction; 2, as in a textbook's tree, are up to two fifths slower.)
  static constexpr std::uint32_t wakes_each = 6;

  /// Workers that loops start: a caller takes part in each. For tasks there is one more.
  [[nodiscard]] std::size_t helpers() const noexcept { return workers_.size() - 1; }

  /// The list in which the calling thread opens its jobs: a worker's own; threads from outside
  /// share the pool's lists evenly.
  [[nodiscard]] job_list& own_list() noexcept {
    if (const worker* const self = workers_.here())
      return workers_[self->number % workers_.size()]
          .jobs; // a stand-in has no list that is searched
    static native_atomic<std::size_t> callers{0};
    if (this_thread.caller_number == 0)
      this_thread.caller_number =
          1 + callers.fetch_add(1, memory_order_relaxed); // relaxed: any distinct number will do
    return workers_[this_thread.caller_number % workers_.size()].jobs;
  }

  template <class Job>
  [[gnu::cold]] void block() noexcept {
    compensation& all = workers_.compensating();
    all.block();
    if (all.are_too_few() && (all.lack_one() || any_work_to_compensate()))
      workers_.wake_compensating({[](void* pool, worker& self) noexcept {
                                    static_cast<scheduler*>(pool)->compensate<Job>(self);
                                  },
                                  this_module()});
  }

  [[gnu::cold]] void work(worker& self) noexcept {
    this_thread.home = this;
    const auto at_rest = [this] { return tasks_.at_rest(); };
    do {
      self.busy.start();
      for (;;) {
        // Jobs can do without helpers, unless there are tasks that wait for them.
        if (workers_.is_stopping() && at_rest())
          break;
        if (job* const joined = join_any(self))
          help(*joined, self.slot, self.loops);
        else if (queued_task* const task = tasks_.pop())
          start(*task);
        else
          break;
      }
      self.busy.stop();
    } while (workers_.wait_for_work(
        self, [this] { return any_work(); }, at_rest));
  }

  /// What stand-ins do: likewise, no more of them at once than threads are blocked.
  template <class Job>
  [[gnu::cold]] void compensate(worker& self) noexcept {
    this_thread.home = this;
    compensation& all = workers_.compensating();
    while (workers_.wait_to_compensate(
        self, [this] { return any_work_to_compensate(); }, [this] { return tasks_.at_rest(); })) {
      self.busy.start();
      bool works = true; // until it is one too many, or has found nothing to do
      while (works) {
        // Tasks first: a job has its caller at least, but a task may be what all are blocked for.
        if (queued_task* const task = tasks_.pop()) {
          start(*task);
          works = all.go_on();
        } else if (job* const joined = join_without_slot()) {
          workers_.wake_compensating(self.does); // another one may be of use, too
          works = compensate_in(static_cast<Job&>(*joined), self.loops);
        } else {
          all.end_work();
          works = false;
        }
      }
      self.busy.stop();
    }
  }

  [[gnu::cold]] job* join_without_slot() noexcept {
    for (const worker& each : workers_)
      if (job* const work = each.jobs.find([](job& open) { return open.join_without_slot(); }))
        return work;
    return nullptr;
  }

  /// False when it is one too many, and works no more.
  template <class Job>
  [[gnu::cold]] bool compensate_in(Job& work, loop_counts& own) noexcept {
    bool goes_on = true;
    bool nothing_left = false;
    {
      const trace_span span("help");
      part_of part(*this, work, true);
      nothing_left = work.compensate(
          own, [&] { return goes_on = goes_on && workers_.compensating().go_on(); });
    }
    if (nothing_left)
      work.withdraw_and_leave_without_slot();
    else
      work.leave_without_slot();
    return goes_on;
  }

  [[gnu::cold]] void run(queued_task& task) noexcept {
    {
      const trace_span span(task.owner() == nullptr ? "task" : "help");
      part_of part(*this, task);
      task.run();
    }
    if (tasks_.ended() && workers_.is_stopping()) // seq_cst both, see idle_set
      workers_.wake_all();
  }

  [[gnu::cold]] void start(queued_task& task) noexcept {
    if (!tasks_.empty()) // whoever was woken for this one may be of use to the next
      workers_.wake_one(workers_.size());
    run(task);
  }

  [[gnu::cold]] void help(job& work, std::uint32_t slot, loop_counts& own) noexcept {
    {
      const trace_span span("help");
      part_of part(*this, work, true);
      work.help(slot, own);
    }
    work.withdraw_and_leave(slot);
  }

  /// Helps with a job that was opened within `parent`, the calling thread's own; false when there
  /// is none.
  [[gnu::cold]] bool help_within(job& parent) noexcept {
    for (const worker& each : workers_) {
      std::uint32_t slot = 0;
      job* const child = each.jobs.find(
          // is_open() first, as it is seq_cst: see job::notify_owner().
          [&](job& open) {
            return open.is_open() && open.parent() == &parent && (slot = open.join()) != 0;
          });
      if (child == nullptr)
        continue;
      if (child->parent() == &parent)
        help(*child, slot, parent.by_owner());
      else
        child->leave(slot); // it ended meanwhile, and was opened again elsewhere
      return true;
    }
    return false;
  }

  /// Joins a job from the first list that has one, beginning with the worker's own neighbourhood
  /// so that the workers spread; null when there is none.
  [[gnu::cold]] job* join_any(worker& self) noexcept {
    std::size_t i = self.number;
    do {
      const job_list& list = workers_[i].jobs;
      if (job* const work = list.find([&](job& open) { return (self.slot = open.join()) != 0; })) {
        wake_for(*work);
        return work;
      }
      i = i + 1 < workers_.size() ? i + 1 : 0;
    } while (i != self.number);
    return nullptr;
  }

  /// Wakes as many as a job that has just been joined, or opened further, has room for, within
  /// limits; else one if there is other work.
  [[gnu::cold]] void wake_for(const job& work) noexcept {
    const std::uint32_t slots = work.free_slots();
    const std::uint32_t most = work.wakes() && workers_.any_to_wake(helpers()) ? wakes_each : 0;
    for (std::uint32_t woken = 0; woken < slots && woken < most && work.is_open(); ++woken)
      workers_.wake_one(helpers());
    if (slots == 0 && any_work())
      workers_.wake_one(tasks_.empty() ? helpers() : workers_.size());
  }

  [[nodiscard, gnu::cold]] bool any_work() const noexcept {
    for (const worker& each : workers_)
      if (each.jobs.find([](const job& work) { return work.is_open(); }) != nullptr)
        return true;
    return !tasks_.empty();
  }

  [[nodiscard, gnu::cold]] bool any_work_to_compensate() const noexcept {
    for (const worker& each : workers_)
      if (each.jobs.find([](const job& work) { return work.is_open_to_compensation(); }) != nullptr)
        return true;
    return !tasks_.empty();
  }

  const make_job make_job_;
  workers workers_; // as many as the concurrency
  task_queue tasks_;
};

} // namespace parallel::detail
