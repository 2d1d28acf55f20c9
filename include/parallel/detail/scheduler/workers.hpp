// The workers of a pool: when they are started, sleep, are woken, and end.
//
// Regular workers are up to as many as the pool has threads; compensating workers take the place of
// blocked threads. scheduler/scheduler.hpp decides what they run while they are awake. No wake is
// lost: idle_set has the proof for regular workers, compensation for compensating ones.
#pragma once

#include <parallel/detail/lite/fixed_array.hpp>
#include <parallel/detail/lite/lock_guard.hpp>
#include <parallel/detail/platform/backoff.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/scheduler/compensation.hpp>
#include <parallel/detail/scheduler/parking.hpp>
#include <parallel/detail/scheduler/wake_cost.hpp>
#include <parallel/detail/scheduler/worker.hpp>
#include <parallel/detail/scheduler/worker_threads.hpp>
#include <parallel/pool_options.hpp>

#include <cstddef>

#include <new>

namespace parallel::detail {

class workers {
 public:
  /// `regular_entry` is what regular workers run, with `pool` as its first argument.
  workers(const thread_pool_options& options, entry_point regular_entry, void* pool)
      : regular_(options.threads), idle_(options.threads), threads_(options, pool),
        regular_entry_(regular_entry) {}

  workers(const workers&) = delete;
  workers& operator=(const workers&) = delete;
  PARALLEL_DETAIL_COMPACT ~workers() { delete[] compensating_; }

  /// Where the code of regular workers is; see this_module().
  [[nodiscard]] const void* module() const noexcept { return regular_entry_.module; }

  // The regular workers.
  [[nodiscard]] std::size_t size() const noexcept { return regular_.size(); }
  worker& operator[](std::size_t number) noexcept { return regular_[number]; }
  [[nodiscard]] const worker* begin() const noexcept { return regular_.begin(); }
  [[nodiscard]] const worker* end() const noexcept { return regular_.end(); }

  /// How many regular workers look for work or run some right now. A hint.
  [[nodiscard]] PARALLEL_DETAIL_COMPACT std::size_t awake() const noexcept {
    if (is_stopping())
      return 0; // there are fewer and fewer of them
    const std::size_t started = started_.load(memory_order_relaxed); // relaxed: a hint
    const std::size_t asleep = idle_.size();
    return started > asleep ? started - asleep : 0;
  }

  [[nodiscard]] const detail::wake_cost& wake_cost() const noexcept { return threads_.wake_cost(); }
  [[nodiscard]] detail::wake_cost& wake_cost() noexcept { return threads_.wake_cost(); }

  /// The worker of this pool that the calling thread is, or null.
  [[nodiscard]] worker* here() const noexcept { return threads_.here(); }

  /// Gets one more worker going: wakes one that sleeps, and returns true; or else starts a new one,
  /// up to `most`, or activates a parked compensating worker. Workers that are awake need no wake,
  /// as they look for work once more before they sleep.
  PARALLEL_DETAIL_COMPACT bool wake_one(std::size_t most) noexcept {
    const std::size_t sleeper = idle_.claim();
    if (sleeper != idle_set::none)
      threads_.wake(regular_[sleeper]);
    else if (started_.load(memory_order_relaxed) < most && start_one(most)) // relaxed: a hint
      return false;
    else if (compensation_.any_blocked())
      activate_parked();
    return sleeper != idle_set::none;
  }

  /// Whether wake_one(most) could get a worker going.
  [[nodiscard]] bool can_wake_one(std::size_t most) const noexcept {
    return idle_.any() || started_.load(memory_order_relaxed) < most || // relaxed: a hint
           compensation_.any_blocked();
  }

  PARALLEL_DETAIL_COMPACT void wake_all() noexcept {
    for (std::size_t i = idle_.claim(); i != idle_set::none; i = idle_.claim())
      threads_.wake(regular_[i]);
  }

  /// How many threads are blocked, and how many compensating workers run in their place.
  [[nodiscard]] detail::compensation& compensation() noexcept { return compensation_; }

  /// If fewer compensating workers are active than threads are blocked, activates one: starts a new
  /// one that runs `entry` if fewer exist than threads are blocked, else takes a parked one. True
  /// if the parked one is the calling thread.
  bool activate_compensating(entry_point entry) noexcept {
    if (!compensation_.needs_active())
      return false;
    const lock_guard lock(starting_);
    return !start_compensating(entry) && activate_parked_locked();
  }

  [[nodiscard]] bool none_started() const noexcept {
    return started_.load(memory_order_relaxed) == 0; // relaxed: a hint
  }

  /// Starts one more regular worker, unless there are `most`; false when it does not. While the
  /// pool is stopping only a worker may: stop() waits for it, and then for the one that it started.
  PARALLEL_DETAIL_COMPACT bool start_one(std::size_t most) noexcept {
    // Looked up before there is a thread: the first access to a thread_local of a shared library
    // that is being loaded takes the loader's lock (glibc), which this thread has then.
    const bool is_worker = here() != nullptr;
    const lock_guard lock(starting_);
    const std::size_t started = started_.load(memory_order_relaxed); // relaxed: under the mutex
    if (started >= most || (is_stopping() && !is_worker))
      return false;
    const std::size_t number =
        started + 1 < size() ? started + 1 : 0; // worker 0 is last: only tasks need it
    worker& self = regular_[number];
    self.number = number;
    // Where no thread is to be had, the caller and the workers that there are do the work; a later
    // call tries again.
    const bool made = threads_.start(self, regular_entry_);
    if (made)
      started_.store(started + 1, memory_order_relaxed); // relaxed: a count, read as a hint
    return made;
  }

  /// Calls visit(worker) for each that has been started, compensating workers included.
  template <class Visit>
  void for_each_started(const Visit& visit) const {
    const lock_guard lock(starting_);
    for (const worker& each : regular_)
      if (each.alive.was_started())
        visit(each);
    for (std::size_t i = 0; compensating_ != nullptr && i < compensation::max_workers; ++i)
      if (compensating_[i].alive.was_started())
        visit(compensating_[i]);
  }

  /// A regular worker: looks for work for a while, then sleeps, until any_work() is true. False
  /// when the pool is stopping and at_rest() says that no worker is needed any more.
  template <class AnyWork, class AtRest>
  PARALLEL_DETAIL_COMPACT bool wait_for_work(worker& self, const AnyWork& any_work,
                                             const AtRest& at_rest) noexcept {
    const auto is_over = [&] { return is_stopping() && at_rest(); };
    backoff spin;
    do {
      if (is_over())
        return false;
      if (any_work())
        return true;
    } while (spin.pause_once());
    threads_.prepare_sleep(self);
    idle_.add(self.number);
    // The last look, after the announcement: see idle_set.
    if ((!any_work() && !is_over()) || !idle_.remove(self.number))
      threads_.sleep(self);
    else
      threads_.cancel_sleep(self);
    return !is_over();
  }

  /// An active compensating worker: looks for work for a while, then parks. True when any_work() is
  /// true and the worker counts as running; false when it is to end.
  template <class AnyWork, class AtRest>
  bool wait_for_compensating_work(worker& self, const AnyWork& any_work,
                                  const AtRest& at_rest) noexcept {
    do {
      for (backoff spin; spin.pause_once();) {
        if (is_stopping() && at_rest())
          return false;
        if (any_work() && compensation_.start_running())
          return true;
      }
    } while (park_compensating(self, any_work));
    return false;
  }

  [[nodiscard]] bool is_stopping() const noexcept {
    return stopping_.load(); // seq_cst: the sleeper's last look, see idle_set
  }

  /// Lets the workers end, and waits until they have. Any number of threads may call it.
  void stop() noexcept {
    {
      const lock_guard lock(starting_);
      stopping_.store(true); // seq_cst: the publisher's store, see idle_set
    }
    wake_all();
    const lock_guard joining(joining_);
    // Until none is left that could have started another. Compensating workers last, as tasks that
    // are left may need them.
    while (join_all(&regular_[0], size()) || join_compensating())
      ;
  }

 private:
  /// True if there was any to join.
  PARALLEL_DETAIL_COMPACT bool join_all(worker* first, std::size_t count) noexcept {
    bool joined = false;
    for (std::size_t i = 0; i < count; ++i) {
      if (is_started(first[i])) {
        first[i].thread.join();
        first[i].code.release();
        joined = true;
      }
    }
    return joined;
  }

  bool join_compensating() noexcept {
    worker* all = nullptr;
    {
      const lock_guard lock(starting_);
      compensation_.close([&](std::size_t parked) { threads_.wake(compensating_[parked]); });
      all = compensating_;
    }
    return all != nullptr && join_all(all, compensation::max_workers);
  }

  [[nodiscard]] bool is_started(const worker& one) noexcept {
    const lock_guard lock(starting_);
    return one.thread.is_joinable();
  }

  void activate_parked() noexcept {
    if (!compensation_.needs_active())
      return;
    const lock_guard lock(starting_);
    activate_parked_locked();
  }

  /// Under starting_: makes a parked worker active if one is needed; true if it is the calling
  /// thread, which then need not be woken.
  bool activate_parked_locked() noexcept {
    const std::size_t activated = compensation_.activate_parked();
    if (activated == compensation::none)
      return false;
    worker& self = compensating_[activated];
    self.is_active = true;
    if (&self == here())
      return true;
    threads_.wake(self);
    return false;
  }

  /// Under starting_: starts a compensating worker if one is lacking and a thread can be had. While
  /// the pool is stopping only a worker may; see start_one().
  bool start_compensating(entry_point entry) noexcept {
    if (is_stopping() && here() == nullptr)
      return false;
    if (compensating_ == nullptr)
      compensating_ = new (std::nothrow) worker[compensation::max_workers];
    const std::size_t created =
        compensating_ != nullptr ? compensation_.activate_new() : compensation::none;
    if (created == compensation::none)
      return false;
    worker& self = compensating_[created];
    self.number = size() + created;
    self.is_active = true;
    // Where another shared library blocks than the one that has made the pool, compensating workers
    // run its code for as long as they live.
    if (entry.module != regular_entry_.module)
      self.code.acquire(code_of(entry.work));
    if (!threads_.start(self, entry)) {
      self.code.release();
      compensation_.cancel_new();
      return false;
    }
    return true;
  }

  /// An active compensating worker that runs nothing: sleeps until it is active again; false when
  /// it is to end.
  template <class AnyWork>
  PARALLEL_DETAIL_COMPACT bool park_compensating(worker& self, const AnyWork& any_work) noexcept {
    threads_.prepare_sleep(self);
    bool is_parked = false;
    {
      const lock_guard lock(starting_);
      self.is_active = false;
      is_parked = compensation_.mark_parked(self.number - size());
    }
    // The last look, after it is counted as parked: see compensation.
    if (is_parked && !(any_work() && activate_compensating(self.entry_point)))
      threads_.sleep(self);
    else
      threads_.cancel_sleep(self);
    return is_parked && self.is_active;
  }

  fixed_array<worker> regular_;
  idle_set idle_;                     // by number
  detail::compensation compensation_; // says which of its functions need starting_
  worker* compensating_ = nullptr;    // max_workers of them, made under starting_ when needed
  worker_threads threads_;
  const entry_point regular_entry_;
  mutable mutex starting_;
  mutex joining_;
  atomic<std::size_t> started_{0};
  atomic<bool> stopping_{false};
};

} // namespace parallel::detail
