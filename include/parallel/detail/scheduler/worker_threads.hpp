// What the threads of all workers of a pool have in common: how one starts, sleeps and is woken.
//
// A woken worker tells how long its wake took (scheduler/wake_cost.hpp), and whether it was put on
// the processor of its waker, where it has to wait until the waker rests. Once that has happened,
// sleeping workers are kept off that processor (platform/affinity.hpp).
#pragma once

#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/affinity.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/scheduler/wake_cost.hpp>
#include <parallel/detail/scheduler/worker.hpp>
#include <parallel/detail/task/thread_context.hpp>
#include <parallel/pool_options.hpp>

namespace parallel::detail {

class worker_threads {
 public:
  /// `pool` is the first argument of each worker's entry point.
  PARALLEL_DETAIL_COMPACT worker_threads(const thread_pool_options& options, void* pool)
      : name_(options.name), on_start_(options.on_start), on_stop_(options.on_stop), pool_(pool),
        run_([](void* self) noexcept {
          worker& own = *static_cast<worker*>(self);
          own.home->run(own);
        }) {
    quick_clock::calibrate();
    trace_begin();
  }

  worker_threads(const worker_threads&) = delete;
  worker_threads& operator=(const worker_threads&) = delete;
  ~worker_threads() = default;

  /// Starts the worker's thread, which runs `entry`; false when there is none to be had.
  bool start(worker& self, entry_point entry) noexcept {
    self.home = this;
    self.entry_point = entry;
    return start_.start(self.thread, run_, &self);
  }

  /// The worker of this pool that the calling thread is, or null.
  [[nodiscard]] worker* here() const noexcept {
    worker* const self = this_thread.worker;
    return self != nullptr && self->home == this ? self : nullptr;
  }

  /// The worker itself, before it announces its sleep; then either sleep() or cancel_sleep().
  void prepare_sleep(worker& self) noexcept {
    if (wakes_collide_.load(memory_order_relaxed)) // relaxed: a hint
      self.affinity.exclude(self.waker_processor);
  }

  void cancel_sleep(worker& self) noexcept { self.affinity.restore(); }

  PARALLEL_DETAIL_COMPACT void sleep(worker& self) noexcept {
    self.parks.add_one();
    {
      const trace_span span("park");
      self.parking.park();
    }
    self.wakes.add_one_after_others();
    self.affinity.restore(); // before it runs anybody's code, which may start threads of its own
    learn_from_wake(self);
  }

  /// Wakes a worker, or one that is about to sleep. Each sleep is ended by one call.
  PARALLEL_DETAIL_COMPACT void wake(worker& sleeper) noexcept {
    trace_instant("wake", {"worker", sleeper.number});
    sleeper.waker_processor = this_processor();
    sleeper.woken_at = quick_clock::now();
    sleeper.affinity.exclude_instead(sleeper.waker_processor);
    sleeper.parking.unpark();
  }

  [[nodiscard]] const detail::wake_cost& wake_cost() const noexcept { return wake_cost_; }
  [[nodiscard]] detail::wake_cost& wake_cost() noexcept { return wake_cost_; }

 private:
  /// What a worker's thread runs from its start to its end.
  void run(worker& self) noexcept {
    this_thread.worker = &self;
    name_this_thread(name_.or_else("parallel"), self.number);
    trace_thread_name(name_.or_else("parallel"), self.number);
    self.alive.start();
    on_start_(self.number);
    self.entry_point.work(pool_, self);
    on_stop_(self.number);
    trace_thread_end();
    self.alive.stop();
  }

  /// A worker that has just woken up.
  PARALLEL_DETAIL_COMPACT void learn_from_wake(const worker& self) noexcept {
    if (self.waker_processor >= 0 && self.waker_processor == this_processor()) {
      wakes_collide_.store(true, memory_order_relaxed); // relaxed: a hint
      return;
    }
    wake_cost_.learn_sleeper(quick_clock::ns_between(self.woken_at, quick_clock::now()));
  }

  const thread_name name_;
  const thread_hook on_start_;
  const thread_hook on_stop_;
  void* const pool_;
  const thread_start start_{};
  void (*const run_)(void* self) noexcept;
  /// A woken worker has found itself on its waker's processor: virtual machines in particular take
  /// a sleeping processor for a busy one.
  atomic<bool> wakes_collide_{false};
  detail::wake_cost wake_cost_;
};

} // namespace parallel::detail
