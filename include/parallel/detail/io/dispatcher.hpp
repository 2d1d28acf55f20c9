// Runs an io_pool's queued tasks on its threads: on few while tasks are quick, on more as they
// block, on none at rest.
//
// One thread, the leader, drains short tasks in batches; another, the monitor, watches it and takes
// over when a task blocks. The thread that takes over wakes more. So blocked tasks make the pool
// grow, not queued ones, and a quick task wakes no thread.
#pragma once

#include <parallel/detail/io/batch.hpp>
#include <parallel/detail/io/leader.hpp>
#include <parallel/detail/io/queue.hpp>
#include <parallel/detail/io/threads.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/backoff.hpp>
#include <parallel/detail/platform/condition_variable.hpp>
#include <parallel/detail/platform/spin_then_lock.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/task_frame.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/detail/task/task_listeners.hpp>
#include <parallel/detail/task/thread_context.hpp>
#include <parallel/pool_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace parallel::detail {

/// Guarded by the mutex of the pool, as is the queue. A function that takes the lock may unlock it
/// for a while. `Clock` is io_clock, except in tests.
///
/// Threads and task_frames know the pool by the address of its dispatcher.
template <class Clock>
class io_dispatcher {
 public:
  using lock = std::unique_lock<mutex>;

  io_dispatcher(const io_pool_options& options, mutex& guard, io_queue& queue)
      : mutex_(guard), queue_(queue), threads_(
                                          options, guard,
                                          [](void* pool, io_thread& self) noexcept {
                                            static_cast<io_dispatcher*>(pool)->work(self);
                                          },
                                          this) {}

  io_dispatcher(const io_dispatcher&) = delete;
  io_dispatcher& operator=(const io_dispatcher&) = delete;

  [[nodiscard]] const io_threads<Clock>& threads() const noexcept { return threads_; }

  /// How many tasks and other pieces of work are under way.
  [[nodiscard]] std::size_t running() const noexcept { return running_; }

  /// Whether the pool's shutdown would wait for the calling thread: it is one of the pool's, or
  /// runs a task of it. Needs no mutex.
  [[nodiscard]] bool is_needed_here() const noexcept {
    return this_thread.io_home == this || task_frame::status_in(this).is_needed;
  }

  /// Whether the calling thread works for the pool: it is one of its threads and still takes tasks,
  /// or it runs a task or a loop of it. Needs no mutex.
  [[nodiscard]] bool works_here() const noexcept {
    return this_thread.io_pool == this || task_frame::of(this) != nullptr;
  }

  /// Queues a task, and sees to it that a thread comes for it. Throws std::system_error or
  /// std::bad_alloc where there is no thread and none can be created; the task is not queued then.
  void push(lock& held, queued_task& task, frame_tasks* submitter) {
    if (threads_.total() == 0)
      threads_.start_first(); // before the task is queued: then nothing has to be undone
    queue_.push(task, submitter);
    if (!is_attended()) {
      threads_.wake_or_start(held);
      notify_if_at_rest(); // other threads may have run everything meanwhile
    }
  }

  /// Wakes or creates a thread; false if none can be had.
  bool add_thread(lock& held) noexcept { return threads_.wake_or_start(held); }

  /// Without the mutex: runs a task on the calling thread, between begin_work() and end_work().
  void run(queued_task& task) noexcept {
    const trace_span span(task.owner() == nullptr ? "task" : "help");
    const task_frame frame(this, {.in_task = true, .is_needed = true}, &task);
    task.run();
  }

  /// The pool is not at rest until end_work() has been called once for each call of this.
  void begin_work() noexcept { ++running_; }

  /// Ends what begin_work() began. If that was a task, its future is ready by now.
  void end_work() noexcept {
    --running_;
    listeners_.tell();
    notify_if_at_rest();
  }

  /// From now on tells the listener of each task's end before the same thread starts another task.
  void add(task_listener& listener) noexcept {
    listeners_.add(listener);
    queue_.reclaim_batch(); // a batch would end before the listener is told
  }
  void remove(task_listener& listener) noexcept { listeners_.remove(listener); }

  /// Waits until nothing is queued, running or being created.
  void wait_until_at_rest(lock& held) noexcept {
    ++waiting_for_rest_;
    at_rest_.wait(held, [this] { return is_at_rest(); });
    --waiting_for_rest_;
  }

  /// At rest: ends the threads.
  void end() noexcept { threads_.end(); }

  /// After end(), without the mutex: waits until the threads have ended.
  void join() noexcept { threads_.join(); }

 private:
  /// The monitor checks on the leader at this interval.
  static constexpr std::int64_t check_every_ns = 50'000;
  /// After this many checks in a row that find nothing queued, the monitor goes to sleep.
  static constexpr int most_idle_checks = 16;

  /// What each thread runs.
  void work(io_thread& self) noexcept {
    this_thread.io_home = this;
    this_thread.io_pool = this;
    threads_.begin(self);
    take_tasks(self);
    this_thread.io_pool = nullptr;
    threads_.finish(self);
  }

  /// Runs tasks until the thread is to leave. Beside an active leader a thread does not take tasks:
  /// it becomes the monitor, or sleeps where there is one already.
  void take_tasks(io_thread& self) noexcept {
    lock held = spin_locked(mutex_);
    threads_.arrive(self);
    self.now = Clock::now();
    while (!threads_.is_ending()) {
      if (!leadership_.is_leader(self) && leadership_.is_active(self.now)) {
        if (!leadership_.has_monitor() && monitor(held, self))
          continue;
      } else if (queued_task* const task = queue_.pop()) {
        run_from_queue(held, self, *task);
        continue;
      } else if (leadership_.is_leader(self) && spin_for_task(held)) {
        self.now = Clock::now();
        continue;
      }
      leadership_.step_down(self);
      if (!threads_.wait(held, self))
        break;
      self.now = Clock::now();
      self.was_slow = false;
    }
  }

  /// Runs a task that has been popped. A leader takes a batch along, unless a listener wants to
  /// know of each task's end.
  void run_from_queue(lock& held, io_thread& self, queued_task& task) noexcept {
    task_batch more;
    if (leadership_.is_leader(self)) {
      if (listeners_.empty())
        queue_.fill(more);
    } else if (!leadership_.has_leader() && running_ == 0 && !self.was_slow) {
      leadership_.appoint(self); // until the task turns out to be slow
    }
    if (wake_for_the_queue(held, self))
      self.now = Clock::now();
    leadership_.begin_task(self);
    begin_work();
    held.unlock();
    run_while_quick(self, task, more);
    held = spin_locked(mutex_);
    queue_.reclaim_batch();
    end_work();
    leadership_.end_task(self);
  }

  /// Without the mutex: runs a task, and then the batch, until one of them is slow, or all together
  /// have taken as long as a slow one. Then the thread locks the mutex again, so that what it has
  /// run is accounted for.
  void run_while_quick(io_thread& self, queued_task& first, task_batch& more) noexcept {
    const std::uint64_t began = self.now;
    for (queued_task* task = &first; task != nullptr; task = more.take_next()) {
      const std::uint64_t before = self.now;
      run(*task);
      self.now = Clock::now();
      self.was_slow = !leadership_.is_quick(before, self.now);
      if (!leadership_.is_quick(began, self.now))
        break;
    }
  }

  /// Before a thread turns to a task, which may block it: wakes or creates others for what is still
  /// queued. Beside an active leader one is enough, the monitor; else as many as are blocked
  /// already, so that the threads double until all that is queued is under way. True if that has
  /// taken some time.
  bool wake_for_the_queue(lock& held, const io_thread& self) noexcept {
    bool took_time = false;
    const std::size_t blocked =
        leadership_.is_leader(self) || leadership_.is_active(self.now) ? 0 : running_ + 1;
    while (!queue_.is_empty() &&
           (!is_attended() || threads_.on_their_way() < std::min(blocked, queue_.size()))) {
      if (!threads_.wake_or_start(held))
        break;
      took_time = true;
    }
    return took_time;
  }

  /// The calling thread is the monitor. True as soon as something is queued and the leader seems to
  /// be blocked: then there is no leader any more, and the thread takes over. False when nothing
  /// has been queued for a while.
  bool monitor(lock& held, io_thread& self) noexcept {
    leadership_.set_monitor(true);
    bool is_needed = false;
    for (int idle = 0; idle < most_idle_checks && !is_needed && !threads_.is_ending(); ++idle) {
      Clock::wait_for(self.wakeup, held, check_every_ns);
      if (queue_.is_empty())
        continue;
      idle = 0;
      self.now = Clock::now();
      // A thread that has been woken already will take over instead.
      is_needed = !threads_.any_waking() && !leadership_.is_active(self.now);
    }
    leadership_.set_monitor(false);
    if (is_needed)
      leadership_.depose();
    return is_needed;
  }

  /// The leader spins for the next task before it goes to sleep; true if there is one.
  bool spin_for_task(lock& held) noexcept {
    leadership_.set_spinning(true);
    held.unlock();
    backoff spin;
    while (queue_.size() == 0 && spin.pause_once())
      ;
    held = spin_locked(mutex_);
    leadership_.set_spinning(false);
    return !queue_.is_empty();
  }

  /// Whether a thread comes to the queue without being woken, and sees to it that the queue stays
  /// attended. Invariant: whenever the mutex is free and the queue is not empty, the queue is
  /// attended, or every thread that can be had runs a task, after which it comes to the queue.
  [[nodiscard]] bool is_attended() const noexcept {
    return leadership_.attends_queue() || threads_.one_comes_soon();
  }

  /// Nothing to run, and no thread that could submit more: only then may the threads end.
  [[nodiscard]] bool is_at_rest() const noexcept {
    return queue_.is_empty() && running_ == 0 && !threads_.any_starting();
  }

  void notify_if_at_rest() noexcept {
    if (waiting_for_rest_ != 0 && is_at_rest())
      at_rest_.notify_all();
  }

  mutex& mutex_; // guards everything below
  io_queue& queue_;
  io_threads<Clock> threads_;
  io_leadership<Clock> leadership_;
  task_listeners listeners_;
  std::size_t running_ = 0;
  std::size_t waiting_for_rest_ = 0; // threads in wait_until_at_rest()
  condition_variable at_rest_;
};

} // namespace parallel::detail
