// The workers: threads that look for a job to help with, or else a task, and sleep when there is
// none.
//
// This is the last of the three rooms on the way from parallel::map (map.hpp, loop.hpp, here). A
// job is offered in the list of the thread that opened it; one sleeping worker is woken, and each
// worker that joins wakes some more, so that a wide machine fills in logarithmic time. Behind it:
// job.hpp (joining and leaving), task_queue.hpp (single tasks), parking.hpp (sleeping and waking).
#pragma once

#include <parallel/detail/fixed_array.hpp>
#include <parallel/detail/job.hpp>
#include <parallel/detail/parking.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/placement.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/task_queue.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace parallel::detail {

class scheduler {
 public:
  /// For loops of up to `concurrency` threads: a caller and that many workers less one. No thread
  /// is started before a job is open.
  [[gnu::cold]] explicit scheduler(std::size_t concurrency)
      : workers_(concurrency), idle_(concurrency) {
    quick_clock::calibrate();
  }

  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  /// Waits for the workers to finish what they are helping with, and to run the tasks that are
  /// queued, those that running tasks still queue too.
  [[gnu::cold]] ~scheduler() {
    if (this_worker != nullptr && this_worker->home == this)
      fatal("a thread_pool was destroyed by one of its own workers, which would have to wait for "
            "itself; let another thread own the pool");
    {
      const std::lock_guard lock(starting_);
      stopping_.store(true); // seq_cst: before the wakes, as work is before a wake; see idle_set
    }
    for (std::size_t i = idle_.claim(); i != idle_set::none; i = idle_.claim())
      workers_[i].bed.unpark();
    for (worker& each : workers_)
      each.thread.join();
  }

  /// The caller and the workers.
  [[nodiscard]] std::size_t concurrency() const noexcept { return workers_.size(); }

  /// The list in which the calling thread opens its jobs: a worker's own; threads from outside
  /// share the pool's lists evenly.
  [[nodiscard]] job_list& own_list() noexcept {
    if (this_worker != nullptr && this_worker->home == this)
      return this_worker->jobs;
    static std::atomic<std::size_t> visitors{0};
    static thread_local const std::size_t visitor =
        visitors.fetch_add(1, std::memory_order_relaxed); // relaxed: any distinct number will do
    return workers_[visitor % workers_.size()].jobs;
  }

  /// While it lives, its thread takes part in a job of this pool, or runs a task of it (null).
  class part_of {
   public:
    part_of(scheduler& pool, job* work) noexcept
        : own_(pool.tasks_), job_(std::exchange(this_job, work)),
          frame_(std::exchange(this_frame, &own_)) {}
    part_of(const part_of&) = delete;
    part_of& operator=(const part_of&) = delete;
    ~part_of() {
      this_job = job_;
      this_frame = frame_;
    }

   private:
    task_frame own_;
    job* const job_;
    task_frame* const frame_;
  };

  /// Offers a job to at most `seats` workers and returns at once. The caller then becomes part_of
  /// it, until close() has returned.
  [[gnu::cold]] void open(job& work, std::size_t seats) noexcept {
    job* const parent = this_job;
    work.open(static_cast<std::uint32_t>(seats), parent);
    if (parent != nullptr)
      parent->call_owner();
    // Within a task the caller is itself one of the workers.
    const bool in_task = parent == nullptr && this_worker != nullptr && this_worker->home == this;
    wake_one(in_task ? workers_.size() : helpers());
  }

  /// Withdraws a job and waits until the last helper is out of it. The wait runs nothing but jobs
  /// that helpers have opened within this one, without which it cannot end: a lock that the caller
  /// holds is not asked for again beneath it.
  [[gnu::cold]] void close(job& work) noexcept {
    work.withdraw();
    look_arounds looks;
    work.wait([&] { return looks.another(); },
              [&] {
                const bool helped = help_within(work);
                if (helped)
                  looks = look_arounds();
                return helped;
              });
  }

  /// Queues a task for a worker. False, and the task is not queued, when there is no worker and
  /// none can be started.
  [[nodiscard, gnu::cold]] bool post(queued_task& task) noexcept {
    const bool first = started_.load(std::memory_order_relaxed) == 0; // relaxed: a hint
    if (first && !start_one(workers_.size()))
      return false;
    tasks_.push(task, this_frame);
    wake_one(first ? 0 : workers_.size()); // the first one is on its way, or sleeps again
    return true;
  }

  /// Runs the task that was queued last by what the calling thread runs right now, a task or a part
  /// of a loop, of those that nobody has begun; false when there is none. To run any other here
  /// would not be safe: that one could wait for what lies beneath it on this stack, or for a lock
  /// that is held there.
  [[gnu::cold]] bool run_own_task() noexcept {
    queued_task* const task = this_frame != nullptr ? tasks_.pop_own(*this_frame) : nullptr;
    if (task != nullptr)
      run(*task);
    return task != nullptr;
  }

  /// How many workers look around or help right now.
  [[nodiscard, gnu::cold]] std::size_t awake() const noexcept {
    const std::size_t started = started_.load(std::memory_order_relaxed); // relaxed: a hint
    const std::size_t asleep = idle_.size();
    return started > asleep ? started - asleep : 0;
  }

  /// How long a worker takes to come, in nanoseconds: 0 when all that there are are awake, so that
  /// to open a job wakes nobody; else what the last wakes took.
  [[nodiscard, gnu::cold]] double wake_ns() const noexcept {
    return awake() + 1 >= workers_.size()
               ? 0
               : static_cast<double>(wake_ns_.load(std::memory_order_relaxed)); // relaxed: a hint
  }

 private:
  /// How many workers one that has joined wakes: a wake takes its waker a fraction of the time
  /// until the woken one can wake others. (bench/simulation.hpp: 4 to 8 are about the best whatever
  /// the fraction; 2, as in a textbook's tree, are up to two fifths slower.)
  static constexpr std::uint32_t wakes_each = 6;

  /// Looks around before a sleep, with a moment's pause after each, for about as long as a wake
  /// costs on the slower machines: to go to sleep at once or to look around for ever may cost any
  /// multiple of what the other would, but this costs at most twice the better of the two.
  class look_arounds {
   public:
    /// False when it has been long enough.
    bool another() noexcept {
      pause();
      if (++looks_ % 32 != 0)
        return true; // without a look at the clock
      const double ns = quick_clock::ns_between(start_, quick_clock::now());
      return ns >= 0 && ns < patience_ns;
    }

   private:
    static constexpr double patience_ns = 100'000;

    unsigned looks_ = 0;
    std::uint64_t start_ = quick_clock::now();
  };

  /// Workers that loops start: a caller takes part in each. For tasks there is one more.
  [[nodiscard]] std::size_t helpers() const noexcept { return workers_.size() - 1; }

  /// A worker and the list in which it opens its jobs. The first has a thread only if tasks are
  /// posted: its list is there for threads from outside, who use the others' too.
  struct alignas(64) worker {
    job_list jobs;
    scheduler* home = nullptr;
    std::size_t number = 0; // its index
    std::uint32_t seat = 0; // in the job that it has joined
    parker bed;
    // The worker's while it is awake, its waker's from the claim to the wake:
    placement place;
    int waker_processor = -1;
    std::uint64_t woken_at = 0;
    native_thread thread; // guarded by starting_
  };

  static inline constinit thread_local worker* this_worker = nullptr;
  /// The innermost job that the thread takes part in.
  static inline constinit thread_local job* this_job = nullptr;
  /// What queues the tasks that the thread posts: the task or the part of a loop that it runs.
  static inline constinit thread_local task_frame* this_frame = nullptr;

  [[gnu::cold]] void work(worker& self) noexcept {
    this_worker = &self;
    name_this_thread("parallel", self.number);
    do {
      for (;;) {
        if (job* const joined = join_any(self))
          help(*joined, self.seat);
        else if (queued_task* const task = tasks_.pop())
          start(*task);
        else
          break;
      }
    } while (wait_for_work(self));
  }

  void run(queued_task& task) noexcept {
    const part_of part(*this, nullptr); // it is no part of any job
    task.run();
  }

  [[gnu::cold]] void start(queued_task& task) noexcept {
    if (!tasks_.empty()) // whoever was woken for this one may be of use to the next
      wake_one(workers_.size());
    run(task);
  }

  [[gnu::cold]] void help(job& work, std::uint32_t seat) noexcept {
    {
      const part_of part(*this, &work);
      work.help(seat);
    }
    work.withdraw();
    work.leave();
  }

  /// Helps with a job that was opened within `parent`, the calling thread's own; false when there
  /// is none.
  [[gnu::cold]] bool help_within(job& parent) noexcept {
    for (const worker& each : workers_) {
      std::uint32_t seat = 0;
      job* const child = each.jobs.find(
          // is_open() first, as it is seq_cst: see job::call_owner().
          [&](job& open) {
            return open.is_open() && open.parent() == &parent && (seat = open.join()) != 0;
          });
      if (child == nullptr)
        continue;
      if (child->parent() == &parent)
        help(*child, seat);
      else
        child->leave(); // it ended meanwhile, and was opened again elsewhere
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
      if (job* const work = list.find([&](job& open) { return (self.seat = open.join()) != 0; })) {
        wake_for(*work);
        return work;
      }
      i = i + 1 < workers_.size() ? i + 1 : 0;
    } while (i != self.number);
    return nullptr;
  }

  /// Wakes as many as a job that has just been joined has room for, within limits; else one if
  /// there is other work.
  [[gnu::cold]] void wake_for(const job& joined) noexcept {
    const std::uint32_t seats = joined.free_seats();
    for (std::uint32_t woken = 0; woken < seats && woken < wakes_each && joined.is_open(); ++woken)
      wake_one(helpers());
    if (seats == 0 && any_work())
      wake_one(tasks_.empty() ? helpers() : workers_.size());
  }

  [[nodiscard, gnu::cold]] bool any_work() const noexcept {
    for (const worker& each : workers_)
      if (each.jobs.find([](const job& work) { return work.is_open(); }) != nullptr)
        return true;
    return !tasks_.empty();
  }

  /// True when there may be work, false when the pool is stopping.
  [[gnu::cold]] bool wait_for_work(worker& self) noexcept {
    look_arounds looks;
    do {
      const bool stopping = stopping_.load(); // before the look: what was queued before, it sees
      if (any_work())
        return true;
      if (stopping)
        return false;
    } while (looks.another());
    if (wakes_stack_.load(std::memory_order_relaxed)) // relaxed: a hint
      self.place.keep_off(self.waker_processor);
    idle_.add(self.number);
    // The last look, after the announcement: who publishes now sees this worker in the idle set.
    if ((!any_work() && !stopping_.load()) || !idle_.remove(self.number)) {
      self.bed.park();
      learn_from_wake(self);
    }
    self.place.settle(); // before it runs anybody's code, which may start threads of its own
    return !stopping_.load() || any_work();
  }

  /// Gets one more worker going: one that sleeps, or else a new one, up to `most`. Workers that are
  /// awake come by themselves, as none sleeps without a last look.
  [[gnu::cold]] void wake_one(std::size_t most) noexcept {
    if (const std::size_t sleeper = idle_.claim(); sleeper != idle_set::none) {
      worker& woken = workers_[sleeper];
      woken.waker_processor = this_processor();
      woken.woken_at = quick_clock::now();
      woken.place.move_off(woken.waker_processor);
      woken.bed.unpark();
    } else if (started_.load(std::memory_order_relaxed) < most) { // relaxed: a hint
      start_one(most);
    }
  }

  /// What a worker that has just woken up knows about wakes.
  [[gnu::cold]] void learn_from_wake(const worker& self) noexcept {
    if (self.waker_processor >= 0 && self.waker_processor == this_processor()) {
      wakes_stack_.store(true, std::memory_order_relaxed); // relaxed: a hint, as is the next
      return;
    }
    double took = quick_clock::ns_between(self.woken_at, quick_clock::now());
    constexpr double most = 100'000; // more says that the processors were busy
    took = took < 0 ? 0 : took > most ? most : took;
    const double known = wake_ns_.load(std::memory_order_relaxed);
    wake_ns_.store(static_cast<float>(known + (took - known) / 4), std::memory_order_relaxed);
  }

  /// Starts one more worker, unless there are `most`; false when there is none at all.
  [[gnu::cold]] bool start_one(std::size_t most) noexcept {
    const std::lock_guard lock(starting_);
    const std::size_t started = started_.load(std::memory_order_relaxed);
    if (started >= most || stopping_.load())
      return started != 0;
    const std::size_t number = started + 1 < workers_.size() ? started + 1 : 0; // the first is last
    worker& self = workers_[number];
    self.home = this;
    self.number = number;
    const auto run = [](void* argument) noexcept {
      worker& own = *static_cast<worker*>(argument);
      own.home->work(own);
    };
    // Where no thread is to be had, the caller and the workers that there are do the work; a later
    // call tries again.
    const bool made = self.thread.start(run, &self);
    if (made)
      started_.store(started + 1, std::memory_order_relaxed); // relaxed: a count, read as a hint
    return made || started != 0;
  }

  fixed_array<worker> workers_; // as many as the concurrency
  task_queue tasks_;
  idle_set idle_; // by number
  /// A woken worker has found itself on its waker's processor, so wakes are placed from now on:
  /// virtual machines in particular take a processor that sleeps for a busy one.
  std::atomic<bool> wakes_stack_{false};
  std::atomic<float> wake_ns_{50'000};
  std::mutex starting_;
  std::atomic<std::size_t> started_{0};
  std::atomic<bool> stopping_{false};
};

} // namespace parallel::detail
