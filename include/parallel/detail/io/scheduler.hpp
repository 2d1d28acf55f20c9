// What an io_pool is made of: one mutex, one queue, first in, first out, and the threads that run
// what is queued.
//
// Here: which tasks may be queued and when, waits that would never end, and the shutdown.
// io/dispatcher.hpp decides which thread runs a task, and when there are more threads.
#pragma once

#include <parallel/detail/io/deadlock_detector.hpp>
#include <parallel/detail/io/dispatcher.hpp>
#include <parallel/detail/io/queue.hpp>
#include <parallel/detail/io/threads.hpp>
#include <parallel/detail/platform/spin_then_lock.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/task/pending_wait.hpp>
#include <parallel/detail/task/task_frame.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/detail/task/task_listeners.hpp>
#include <parallel/errors.hpp>
#include <parallel/pool_options.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>

namespace parallel::detail {

/// `Clock` is io_clock, except in tests.
template <class Clock>
class basic_io_scheduler {
 public:
  explicit basic_io_scheduler(const io_pool_options& options)
      : queue_(options.queue), dispatcher_(options, mutex_, queue_) {}

  basic_io_scheduler(const basic_io_scheduler&) = delete;
  basic_io_scheduler& operator=(const basic_io_scheduler&) = delete;

  ~basic_io_scheduler() {
    if (is_needed_here())
      fatal("an io_pool was destroyed by one of its own threads, which would have to wait for "
            "itself; let another thread own the pool");
    shutdown();
  }

  /// Whether shutdown() would wait for the calling thread: it is one of the pool's, or runs a task
  /// of it.
  [[nodiscard]] bool is_needed_here() const noexcept { return dispatcher_.is_needed_here(); }

  /// Whether the calling thread works for the pool: it is one of its threads, or runs a task or a
  /// loop of it.
  [[nodiscard]] bool works_here() const noexcept { return dispatcher_.works_here(); }

  /// How many threads exist.
  [[nodiscard]] std::size_t threads() const noexcept {
    const guard held = lock();
    return dispatcher_.threads().existing();
  }

  /// What there is right now, and what has been done so far.
  struct counts {
    std::uint64_t tasks = 0; // started so far, without helpers
    std::size_t running = 0; // with helpers, as is queued
    std::size_t queued = 0;
    std::size_t threads = 0;
    io_thread_counts of_threads;
  };
  [[nodiscard]] counts count() noexcept {
    const guard held = lock();
    queue_.reclaim_batch();
    return {queue_.started(), dispatcher_.running(), queue_.size(),
            dispatcher_.threads().existing(), dispatcher_.threads().counts()};
  }

  /// Queues a task, as soon as the queue has capacity for it. Tasks of the pool's own threads are
  /// queued at once, beyond the limit: the threads could otherwise wait for each other. If it
  /// throws, the task is not queued.
  void post(queued_task& task) {
    frame_tasks* const submitter = this->submitter(task);
    guard held = lock();
    reserve(held);
    try {
      push(held, task, submitter);
    } catch (...) {
      queue_.unreserve();
      throw;
    }
  }

  /// Reserves capacity for one task; false if the queue is full. True also where the pool takes no
  /// tasks from the calling thread: post_reserved() then throws.
  [[nodiscard]] bool try_reserve() noexcept {
    const guard held = lock();
    if (is_open_here())
      return queue_.reclaim_and_reserve();
    queue_.reserve_beyond_limit();
    return true;
  }

  /// Gives reserved capacity back.
  void release() noexcept {
    const guard held = lock();
    queue_.unreserve();
  }

  /// Queues a task for which capacity has been reserved. If it throws, the task is not queued.
  void post_reserved(queued_task& task) {
    frame_tasks* const submitter = this->submitter(task);
    guard held = lock();
    push(held, task, submitter);
  }

  /// Queues a helper, which needs no capacity. If it throws, the helper is not queued.
  void post_helper(queued_task& helper) {
    guard held = lock();
    push(held, helper, nullptr);
  }

  /// Runs the newest task that the calling thread's innermost frame has submitted here and that has
  /// not been started; false if there is none.
  bool run_own_task() noexcept {
    const task_frame* const frame = task_frame::innermost();
    const frame_tasks* const own = frame != nullptr ? frame->tasks_in(queue_.list()) : nullptr;
    if (own == nullptr)
      return false;
    guard held = lock();
    queued_task* const task = queue_.pop_own(*own);
    if (task != nullptr)
      run_here(held, *task);
    return task != nullptr;
  }

  /// The calling thread takes part in a loop on the pool, as the loop's caller, while this lives.
  /// It must not be const: its frame notes the tasks that are submitted meanwhile.
  class caller {
   public:
    explicit caller(basic_io_scheduler& pool) noexcept
        : pool_(pool), is_outside_(!pool.works_here()), frame_(&pool.dispatcher_, {}) {
      if (is_outside_) {
        const guard held = pool_.lock();
        pool_.deadlocks_.add_outside_thread();
      }
    }
    caller(const caller&) = delete;
    caller& operator=(const caller&) = delete;
    ~caller() {
      if (is_outside_) {
        const guard held = pool_.lock();
        pool_.deadlocks_.remove_outside_thread();
      }
    }

   private:
    basic_io_scheduler& pool_;
    const bool is_outside_;
    task_frame frame_;
  };

  /// Notes a wait of the calling thread, which works for the pool, until end_wait().
  void begin_wait(pending_wait& wait) noexcept {
    const guard held = lock();
    deadlocks_.add_wait(wait);
  }
  void end_wait(pending_wait& wait) noexcept {
    const guard held = lock();
    deadlocks_.remove_wait(wait);
  }

  /// Between begin_wait() and end_wait(), for a wait that can be given up: throws std::system_error
  /// (resource_deadlock_would_occur) if it would never end.
  void check_wait() {
    guard held = lock();
    while (dispatcher_.threads().any_starting()) { // which may fail
      held.unlock();
      yield();
      held.lock();
    }
    if (is_deadlocked(held))
      deadlocks_.refuse_wait();
  }

  /// Discards the tasks that have not been started and for which is_wanted(task) is true.
  template <class Wanted>
  void discard_if(const Wanted& is_wanted) noexcept {
    task_list unwanted;
    {
      const guard held = lock();
      queue_.move_to(unwanted, is_wanted);
      dispatcher_.begin_work(); // the pool is not at rest before they are gone
    }
    unwanted.discard_all(); // without the mutex: it runs the users' destructors
    const guard held = lock();
    dispatcher_.end_work();
  }

  void add(task_listener& listener) noexcept {
    const guard held = lock();
    dispatcher_.add(listener);
  }
  void remove(task_listener& listener) noexcept {
    const guard held = lock();
    dispatcher_.remove(listener);
  }

  /// Waits until all tasks have run, including those that running tasks still submit, and the
  /// threads have ended. Several threads may call it at once.
  void shutdown() noexcept {
    {
      guard held = lock();
      if (open_to_ == all_threads)
        open_to_ = own_threads;
      queue_.admit_all(); // submitters that wait for capacity find the pool closed, and throw
      dispatcher_.wait_until_at_rest(held);
      open_to_ = no_thread;
      dispatcher_.end();
    }
    dispatcher_.join();
  }

  /// Discards the tasks that have not been started, and then does what shutdown() does. Running
  /// tasks cannot submit any more.
  void shutdown_and_discard() noexcept {
    {
      const guard held = lock();
      open_to_ = no_thread;
    }
    discard_if([](const queued_task&) { return true; });
    shutdown();
  }

 private:
  using guard = std::unique_lock<mutex>;

  /// Which threads may submit tasks.
  enum access { all_threads, own_threads, no_thread };

  /// The mutex is held for moments only, but maybe wanted by a thousand threads.
  [[nodiscard]] guard lock() const noexcept { return spin_locked(mutex_); }

  /// Whether the calling thread may submit.
  [[nodiscard]] bool is_open_here() const noexcept {
    return open_to_ == all_threads || (open_to_ == own_threads && is_needed_here());
  }

  /// Reserves capacity for one task, waiting until there is some or the pool is closed. The pool's
  /// own threads do not wait.
  void reserve(guard& held) {
    if (open_to_ == all_threads && !is_needed_here()) {
      if (queue_.try_reserve())
        return;
      if (!queue_.has_waiting_submitters()) {
        held.unlock();
        queue_.spin_for_capacity();
        held = lock();
      }
      if (open_to_ == all_threads) {
        if (!queue_.reclaim_and_reserve())
          queue_.wait_and_reserve(held);
        return;
      }
    }
    queue_.reserve_beyond_limit();
  }

  /// The frame that submits a task of the calling thread; null where there is none. Throws
  /// std::bad_alloc.
  [[nodiscard]] frame_tasks* submitter(const queued_task& task) const {
    const found_submitter found = find_submitter(task, queue_.list());
    if (found.has_no_memory)
      throw std::bad_alloc();
    return found.tasks;
  }

  /// Queues a task or a helper; throws shut_down where the pool does not take it. Once a shutdown
  /// has begun it takes no helpers from any thread: their loops can do without them, and they would
  /// delay its end.
  void push(guard& held, queued_task& task, frame_tasks* submitter) {
    if (task.owner() != nullptr ? open_to_ != all_threads : !is_open_here())
      throw shut_down();
    dispatcher_.push(held, task, submitter);
  }

  /// Runs a task that has been popped; unlocks the mutex meanwhile.
  void run_here(guard& held, queued_task& task) noexcept {
    const bool is_outside = !works_here();
    if (is_outside)
      deadlocks_.add_outside_thread();
    dispatcher_.begin_work();
    held.unlock();
    dispatcher_.run(task);
    held = lock();
    if (is_outside)
      deadlocks_.remove_outside_thread();
    dispatcher_.end_work();
  }

  /// Whether no thread that works for the pool can go on, and none can be woken or created for what
  /// is queued. (The mutex is unlocked while one is created: hence the second check.)
  [[nodiscard]] bool is_deadlocked(guard& held) noexcept {
    return no_thread_can_go_on() && (queue_.is_empty() || !dispatcher_.add_thread(held)) &&
           no_thread_can_go_on();
  }

  [[nodiscard]] bool no_thread_can_go_on() noexcept {
    queue_.reclaim_batch();
    return deadlocks_.no_thread_can_go_on(dispatcher_.threads().total());
  }

  mutable mutex mutex_; // guards everything below
  io_queue queue_;
  io_dispatcher<Clock> dispatcher_;
  deadlock_detector deadlocks_{queue_};
  access open_to_ = all_threads;
};

using io_scheduler = basic_io_scheduler<io_clock>;

} // namespace parallel::detail
