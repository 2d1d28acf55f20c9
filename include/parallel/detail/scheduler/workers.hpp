// The worker threads of a pool: how they are started, sleep, are woken, and end; and those that
// stand in for blocked ones.
//
// What they do while they are awake is decided in scheduler/scheduler.hpp, from which this is
// entered; how a sleeper and a waker do not miss each other is argued in scheduler/parking.hpp, and
// in scheduler/compensation.hpp.
#pragma once

#include <parallel/detail/lite/fixed_array.hpp>
#include <parallel/detail/lite/lock_guard.hpp>
#include <parallel/detail/observe/counter.hpp>
#include <parallel/detail/observe/stopwatch.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/affinity.hpp>
#include <parallel/detail/platform/backoff.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/scheduler/compensation.hpp>
#include <parallel/detail/scheduler/job.hpp>
#include <parallel/detail/scheduler/parking.hpp>
#include <parallel/detail/task/thread_context.hpp>
#include <parallel/pool_options.hpp>

#include <cstddef>
#include <cstdint>

#include <new>

namespace parallel::detail {

class workers;
struct worker;

/// What a worker does.
struct entry_point {
  /// work(pool, self) returns when wait_for_work() says so, or wait_to_compensate() to a stand-in.
  void (*work)(void* pool, worker& self) noexcept = nullptr;
  const void* module = nullptr; // where that is; see this_module()
};

/// A worker and the list in which it opens its jobs. The first has a thread only if tasks are
/// posted: its list is there for threads from outside, who use the others' too.
struct alignas(64) worker {
  job_list jobs;
  workers* home = nullptr;
  std::size_t number = 0; // its index; those of stand-ins follow
  std::uint32_t slot = 0; // in the job that it has joined
  entry_point does;
  loaded_code code; // of what a stand-in does
  parker parking;
  // The worker's while it is awake, its waker's from the claim to the wake:
  wake_affinity affinity;
  int waker_processor = -1;
  std::uint64_t woken_at = 0;
  bool called = false;  // a stand-in's: on entry_point again
  native_thread thread; // started under starting_, joined under joining_
  // What it has done, which anybody may read.
  alignas(64) loop_counts loops;
  counter parks;
  counter wakes; // of which each ends one of the parks, and so is counted after it
  stopwatch alive;
  stopwatch busy; // from when it has found work until it finds no more
};

class workers {
 public:
  [[gnu::cold]] workers(const thread_pool_options& options, entry_point entry, void* pool)
      : each_(options.threads), idle_(options.threads), name_(options.name),
        on_start_(options.on_start), on_stop_(options.on_stop), entry_(entry), pool_(pool),
        live_([](void* self) noexcept {
          worker& own = *static_cast<worker*>(self);
          own.home->live(own);
        }) {
    quick_clock::calibrate();
    trace_begin();
  }

  workers(const workers&) = delete;
  workers& operator=(const workers&) = delete;
  [[gnu::cold]] ~workers() { delete[] spare_; }

  /// Whose code they run.
  [[nodiscard]] const void* module() const noexcept { return entry_.module; }

  [[nodiscard]] std::size_t size() const noexcept { return each_.size(); }
  worker& operator[](std::size_t number) noexcept { return each_[number]; }
  [[nodiscard]] const worker* begin() const noexcept { return each_.begin(); }
  [[nodiscard]] const worker* end() const noexcept { return each_.end(); }

  /// How many look around or help right now.
  [[nodiscard, gnu::cold]] std::size_t awake() const noexcept {
    if (is_stopping())
      return 0; // there are fewer and fewer of them
    const std::size_t started = started_.load(memory_order_relaxed); // relaxed: a hint
    const std::size_t asleep = idle_.size();
    return started > asleep ? started - asleep : 0;
  }

  /// What it takes to have a worker come that sleeps, in nanoseconds, as learnt from the last
  /// wakes: the time until it is there, and what the wake itself takes of its waker's.
  [[nodiscard, gnu::cold]] double wake_ns() const noexcept {
    // relaxed, here and below: hints
    return double{wake_ns_.load(memory_order_relaxed)} +
           double{waker_ns_.load(memory_order_relaxed)};
  }

  /// Notes that a wake was not worth it: that it takes so long is forgotten a little, as nobody
  /// would find out otherwise that it takes less by now.
  [[gnu::cold]] void forget_wake() noexcept {
    const float known = wake_ns_.load(memory_order_relaxed);
    wake_ns_.store(known * 255 / 256, memory_order_relaxed);
  }

  /// Notes how long a waker's wake took.
  [[gnu::cold]] void learn_from_waking(double ns) noexcept { blend(waker_ns_, ns); }

  /// Gets one more worker going: one that sleeps, then it says true; or else a new one, up to
  /// `most`. Workers that are awake come by themselves, as none sleeps without a last look.
  [[gnu::cold]] bool wake_one(std::size_t most) noexcept {
    const std::size_t sleeper = idle_.claim();
    if (sleeper != idle_set::none)
      wake(each_[sleeper]);
    else if (started_.load(memory_order_relaxed) < most && start_one(most)) // relaxed: a hint
      return false;
    else if (compensation_.any_blocked())
      wake_spare();
    return sleeper != idle_set::none;
  }

  /// Whether wake_one(most) would find anybody.
  [[nodiscard, gnu::cold]] bool any_to_wake(std::size_t most) const noexcept {
    return idle_.any() || started_.load(memory_order_relaxed) < most || // relaxed: a hint
           compensation_.any_blocked();
  }

  [[gnu::cold]] void wake_all() noexcept {
    for (std::size_t i = idle_.claim(); i != idle_set::none; i = idle_.claim())
      wake(each_[i]);
  }

  /// Who is blocked, and how many stand in.
  [[nodiscard]] compensation& compensating() noexcept { return compensation_; }

  /// Gets one more stand-in going, if there are fewer on entry_point than threads are blocked: a
  /// new one, that `does` this, if one is lacking. True if it is the calling thread itself.
  [[gnu::cold]] bool wake_compensating(entry_point does) noexcept {
    if (!compensation_.are_too_few())
      return false;
    const lock_guard lock(starting_);
    return !start_compensating(does) && wake_spare_locked();
  }

  [[nodiscard]] bool none_started() const noexcept {
    return started_.load(memory_order_relaxed) == 0; // relaxed: a hint
  }

  /// Starts one more worker, unless there are `most`; false when it does not. While the pool is
  /// stopping only a worker may: stop() waits for it, and then for the one that it started.
  [[gnu::cold]] bool start_one(std::size_t most) noexcept {
    // Looked up before there is a thread: the first access to a thread_local of a shared library
    // that is being loaded takes the loader's lock (glibc), which this thread has then.
    const bool is_worker = here() != nullptr;
    const lock_guard lock(starting_);
    const std::size_t started = started_.load(memory_order_relaxed);
    if (started >= most || (is_stopping() && !is_worker))
      return false;
    const std::size_t number = started + 1 < size() ? started + 1 : 0; // the first is last
    worker& self = each_[number];
    self.number = number;
    // Where no thread is to be had, the caller and the workers that there are do the work; a later
    // call tries again.
    const bool made = start(self, entry_);
    if (made)
      started_.store(started + 1, memory_order_relaxed); // relaxed: a count, read as a hint
    return made;
  }

  /// Calls visit(worker) for those that have run so far, stand-ins included.
  template <class Visit>
  void for_each_started(const Visit& visit) const {
    const lock_guard lock(starting_);
    for (const worker& each : each_)
      if (each.alive.was_started())
        visit(each);
    for (std::size_t i = 0; spare_ != nullptr && i < compensation::most; ++i)
      if (spare_[i].alive.was_started())
        visit(spare_[i]);
  }

  /// The worker that the calling thread is; null if it is none of this pool's.
  [[nodiscard]] worker* here() const noexcept {
    worker* const self = this_thread.worker;
    return self != nullptr && self->home == this ? self : nullptr;
  }

  /// Worker: looks around, then sleeps, until any_work() is true. False when the pool is stopping
  /// and at_rest() says that there is nothing left for which workers are needed.
  template <class AnyWork, class AtRest>
  [[gnu::cold]] bool wait_for_work(worker& self, const AnyWork& any_work,
                                   const AtRest& at_rest) noexcept {
    const auto is_over = [&] { return is_stopping() && at_rest(); };
    backoff spin;
    do {
      if (is_over())
        return false;
      if (any_work())
        return true;
    } while (spin.pause_once());
    if (wakes_stack_.load(memory_order_relaxed)) // relaxed: a hint
      self.affinity.keep_off(self.waker_processor);
    idle_.add(self.number);
    // The last look, after the announcement: who publishes now sees this worker in the idle set.
    if ((!any_work() && !is_over()) || !idle_.remove(self.number))
      sleep(self);
    else
      self.affinity.settle();
    return !is_over();
  }

  [[nodiscard]] bool is_stopping() const noexcept {
    return stopping_.load(); // seq_cst: the sleeper's last look, see idle_set
  }

  /// Stand-in: looks around until there is work and it may begin_work(); or else is a spare, and
  /// sleeps until it is on entry_point again. False when it is to end.
  template <class AnyWork, class AtRest>
  [[gnu::cold]] bool wait_to_compensate(worker& self, const AnyWork& any_work,
                                        const AtRest& at_rest) noexcept {
    for (;;) {
      for (backoff spin; spin.pause_once();) {
        if (is_stopping() && at_rest())
          return false;
        if (any_work() && compensation_.begin_work())
          return true;
      }
      if (wakes_stack_.load(memory_order_relaxed)) // relaxed: a hint
        self.affinity.keep_off(self.waker_processor);
      bool is_spare = false;
      {
        const lock_guard lock(starting_);
        self.called = false;
        is_spare = compensation_.deactivate(self.number - size());
      }
      if (is_spare && !(any_work() && wake_compensating(self.does)))
        sleep(self);
      else
        self.affinity.settle();
      if (!is_spare || !self.called)
        return false;
    }
  }

  /// Lets the workers end, and waits until they have. Any number of threads may call it.
  [[gnu::cold]] void stop() noexcept {
    {
      const lock_guard lock(starting_);
      stopping_.store(true); // seq_cst: before the wakes, as work is before a wake; see idle_set
    }
    wake_all();
    const lock_guard joining(joining_);
    // Until none is left that could have started another; the stand-ins last, as tasks that are
    // left may need them.
    while (join_all(&each_[0], size()) || join_compensating())
      ;
  }

 private:
  /// True if there was any to join.
  [[gnu::cold]] bool join_all(worker* first, std::size_t count) noexcept {
    bool joined = false;
    for (std::size_t i = 0; i < count; ++i) {
      if (is_started(first[i])) {
        first[i].thread.join();
        first[i].code.let_go();
        joined = true;
      }
    }
    return joined;
  }

  [[gnu::cold]] bool join_compensating() noexcept {
    worker* all = nullptr;
    {
      const lock_guard lock(starting_);
      compensation_.close([&](std::size_t spare) { wake(spare_[spare]); });
      all = spare_;
    }
    return all != nullptr && join_all(all, compensation::most);
  }

  [[nodiscard, gnu::cold]] bool is_started(const worker& one) noexcept {
    const lock_guard lock(starting_);
    return one.thread.is_joinable();
  }

  [[gnu::cold]] void wake_spare() noexcept {
    if (!compensation_.are_too_few())
      return;
    const lock_guard lock(starting_);
    wake_spare_locked();
  }

  /// Under starting_: puts a spare on entry_point if there are too few; true if it is the calling
  /// thread.
  [[gnu::cold]] bool wake_spare_locked() noexcept {
    const std::size_t called = compensation_.wake_spare();
    if (called == compensation::none)
      return false;
    worker& self = spare_[called];
    self.called = true;
    if (&self == here())
      return true;
    wake(self);
    return false;
  }

  /// Under starting_: puts a new stand-in on entry_point if one is lacking and a thread can be had.
  /// While the pool is stopping only a worker may start one; see start_one().
  [[gnu::cold]] bool start_compensating(entry_point does) noexcept {
    if (is_stopping() && here() == nullptr)
      return false;
    if (spare_ == nullptr)
      spare_ = new (std::nothrow) worker[compensation::most];
    const std::size_t made = spare_ != nullptr ? compensation_.make_one() : compensation::none;
    if (made == compensation::none)
      return false;
    worker& self = spare_[made];
    self.number = size() + made;
    self.called = true;
    // Where another shared library blocks than the one that has made the pool, compensating workers
    // run its code for as long as they live.
    if (does.module != entry_.module)
      self.code.keep(code_of(does.work));
    if (!start(self, does)) {
      self.code.let_go();
      compensation_.unmake_one();
      return false;
    }
    return true;
  }

  [[gnu::cold]] bool start(worker& self, entry_point does) noexcept {
    self.home = this;
    self.does = does;
    return start_.start(self.thread, live_, &self);
  }

  [[gnu::cold]] void live(worker& self) noexcept {
    this_thread.worker = &self;
    name_this_thread(name_.or_else("parallel"), self.number);
    trace_thread_name(name_.or_else("parallel"), self.number);
    self.alive.start();
    on_start_(self.number);
    self.does.work(pool_, self);
    on_stop_(self.number);
    trace_thread_end();
    self.alive.stop();
  }

  [[gnu::cold]] void sleep(worker& self) noexcept {
    self.parks.add_one();
    {
      const trace_span span("park");
      self.parking.park();
    }
    self.wakes.add_one_after_others();
    self.affinity.settle(); // before it runs anybody's code, which may start threads of its own
    learn_from_wake(self);
  }

  [[gnu::cold]] void wake(worker& sleeper) noexcept {
    trace_instant("wake", {"worker", sleeper.number});
    sleeper.waker_processor = this_processor();
    sleeper.woken_at = quick_clock::now();
    sleeper.affinity.move_off(sleeper.waker_processor);
    sleeper.parking.unpark();
  }

  /// What a worker that has just woken up knows about wakes.
  [[gnu::cold]] void learn_from_wake(const worker& self) noexcept {
    if (self.waker_processor >= 0 && self.waker_processor == this_processor()) {
      wakes_stack_.store(true, memory_order_relaxed); // relaxed: a hint, as is the next
      return;
    }
    blend(wake_ns_, quick_clock::ns_between(self.woken_at, quick_clock::now()));
  }

  /// A tenth of the wakes take several times as long as the others, where processors are shared: so
  /// of what is new no more counts than half of what is known and a microsecond, and the estimate
  /// stays near the median.
  static void blend(atomic<float>& estimate, double ns) noexcept {
    constexpr double most = 300'000; // more says that the processors were busy
    const double known = estimate.load(memory_order_relaxed);
    const double most_news = known / 2 + 1'000;
    const double news = (ns < 0 ? 0 : ns > most ? most : ns) - known;
    const double counts = news > most_news ? most_news : news < -most_news ? -most_news : news;
    estimate.store(static_cast<float>(known + counts / 4), memory_order_relaxed);
  }

  fixed_array<worker> each_;
  idle_set idle_;             // by number
  compensation compensation_; // guarded by starting_
  worker* spare_ = nullptr;   // compensation::most of them, made under starting_ when one is needed
  const thread_name name_;
  const thread_hook on_start_;
  const thread_hook on_stop_;
  const entry_point entry_;
  void* const pool_;
  const thread_start start_{};
  void (*const live_)(void* self) noexcept;
  /// A woken worker has found itself on its waker's processor, so wakes are placed from now on:
  /// virtual machines in particular take a processor that sleeps for a busy one.
  atomic<bool> wakes_stack_{false};
  atomic<float> wake_ns_{50'000};  // until a worker has come
  atomic<float> waker_ns_{10'000}; // until its waker goes on
  mutable mutex starting_;
  mutex joining_;
  atomic<std::size_t> started_{0};
  atomic<bool> stopping_{false};
};

} // namespace parallel::detail
