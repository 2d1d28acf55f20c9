// A pool for tasks that block: downloads, files, locks, subprocesses.
//
// It shares nothing with the work-stealing pool, whose few threads must not block. What its threads
// do, and when there are more of them, is in detail/io/scheduler.hpp; loops over it are in
// detail/io/loop.hpp.
#pragma once

#include <parallel/blocking.hpp>
#include <parallel/detail/io/loop.hpp>
#include <parallel/detail/io/retry.hpp>
#include <parallel/detail/io/scheduler.hpp>
#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/task/pending_wait.hpp>
#include <parallel/detail/task/submitted_task.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/detail/task/task_listeners.hpp>
#include <parallel/errors.hpp>
#include <parallel/io_map_options.hpp>
#include <parallel/options.hpp>
#include <parallel/pool_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace parallel {

struct io_pool_stats;

namespace detail {

inline const io_pool_options& checked(const io_pool_options& options) {
  if (options.max_threads == 0 || options.max_threads > most_threads)
    throw std::invalid_argument("parallel::io_pool: max_threads is " +
                                std::to_string(options.max_threads) + ", must be from 1 to " +
                                std::to_string(most_threads));
  if (options.queue == 0)
    throw std::invalid_argument("parallel::io_pool: queue is 0, must be at least 1");
  return options;
}

} // namespace detail

/// Threads for blocking work, as many as there are blocked calls, up to a limit.
///
/// A thread is made, or woken, when what is queued would have to wait for a task that has taken
/// longer than some ten microseconds, and as many more as are blocked already: so the threads
/// double until all that is queued is under way. Tasks that are quicker run one after another on
/// one thread, and wake nobody. Threads that have had nothing to do for a while leave.
///
/// submit(f) runs one task; parallel::map(io, xs, f) and its family run f over a range with a
/// chosen number of calls under way. Tasks begin in the order of their submission, except those
/// that get() runs. Any number of threads may use one pool at once, its own threads included.
class io_pool {
 public:
  /// What a call on it can be told.
  using call_options = io_map_options;

  /// Up to 64 threads and 1,024 waiting tasks.
  io_pool() : io_pool(io_pool_options{}) {}

  /// Starts no thread yet. Throws std::invalid_argument, naming the value, when max_threads is not
  /// from 1 to 65,536 or queue is 0.
  explicit io_pool(const io_pool_options& options)
      : max_threads_(options.max_threads), scheduler_(detail::checked(options)) {}

  io_pool(const io_pool&) = delete;
  io_pool& operator=(const io_pool&) = delete;

  /// Like shutdown(). Destroying a pool from one of its own threads is a mistake that ends the
  /// program with a message, as the wait could never end.
  ~io_pool() = default;

  /// Runs every task that is queued, those that running tasks still submit too, ends the threads
  /// and waits for them. Meanwhile and afterwards submit() throws shut_down, except within the
  /// tasks that are left to run; in those that wait for room in the queue, too. Maps run on the
  /// calling thread alone.
  ///
  /// Any thread may call it, several at once too, and again; but on one of the pool's own threads,
  /// and within a task of it, it throws std::system_error (resource_deadlock_would_occur), as it
  /// would wait for itself.
  void shutdown() {
    refuse_own_thread();
    scheduler_.shutdown();
  }

  /// Likewise, but tasks that nobody has begun are not run: their futures throw shut_down. Running
  /// ones finish, and cannot submit any more. Also cuts short a shutdown() that is under way.
  void shutdown(discard_t) {
    refuse_own_thread();
    scheduler_.shutdown_and_discard();
  }

  /// Runs f() on one of the pool's threads and returns a future of its result or exception.
  ///
  /// Blocks while the queue is full, except on the pool's own threads, whose tasks are queued
  /// beyond the limit: they could otherwise wait for each other. (Threads of other pools are not
  /// excepted: where tasks of this pool wait for tasks that submit here, give the queue room.) `f`
  /// is moved or copied in once, may be move-only, and is destroyed on the pool's thread right
  /// after its call. Throws std::system_error when the pool has no thread and none can be made,
  /// shut_down when it has been shut down, or std::bad_alloc; the task is then not queued. A task
  /// that waits for another one does so with get(): for a thread that is blocked in future.get(),
  /// nobody stands in.
  template <class F>
  std::future<std::invoke_result_t<std::decay_t<F>&>> submit(F&& f) {
    return queued(std::forward<F>(f), [this](detail::queued_task& task) { scheduler_.post(task); });
  }

  /// Likewise, but where submit() would block, and on the pool's own threads when the queue is
  /// full, it does not queue the task, leaves `f` as it is, and returns an empty std::optional.
  template <class F>
  std::optional<std::future<std::invoke_result_t<std::decay_t<F>&>>> try_submit(F&& f) {
    if (!scheduler_.try_reserve())
      return std::nullopt;
    try {
      return queued(std::forward<F>(f),
                    [this](detail::queued_task& task) { scheduler_.post_reserved(task); });
    } catch (...) {
      scheduler_.release();
      throw;
    }
  }

  /// The result of a task, or its exception: future.get(), but within a task or an element of a map
  /// it runs tasks that this task, or this thread within this map, has submitted to this pool and
  /// nobody has begun, the newest first, until the future is ready. So tasks may wait for the tasks
  /// that they have submitted, to any depth, on any number of threads, also those of a thread_pool
  /// and an io_pool for each other's. For any other task it waits; within a task or an element of a
  /// thread_pool, another worker takes the place of this one meanwhile (see blocking()).
  ///
  /// A wait that could never end throws std::system_error (resource_deadlock_would_occur) instead:
  /// where all who work for this pool, its threads and those who run a task or map of it, wait in
  /// get(), in as_completed() without stop or deadline, at the end of a map on this pool, or for
  /// the next result of an imap on it, each of them for what a waiting one runs or what is queued,
  /// and nobody is left to run that: no task of another pool, either, that has queued some of it.
  /// One of those in get() or as_completed() is told within a second. That is all that the pool
  /// can know: nobody is told where a thread waits in another way (by future.get(), for a lock, in
  /// another pool's get()), or for a future of something else, which may become ready all the
  /// same. Of a shared_future it returns a copy of the result.
  template <class Future>
  detail::result_of<Future> get(Future future) {
    if (!detail::is_ready(future))
      parallel::blocking([&] { // what it runs here may block, too
        detail::help_until_ready(*this, future);
        detail::wait_for(*this, future);
      });
    return future.get();
  }

  /// The most threads that the pool grows to.
  [[nodiscard]] std::size_t max_threads() const noexcept { return max_threads_; }

  /// How many threads the pool has right now, for watching it: another moment may have others. One
  /// that is only being made does not count, as it may turn out not to be had.
  [[nodiscard]] std::size_t threads() const noexcept { return scheduler_.threads(); }

  /// What its threads have done so far. Defined in <parallel/stats.hpp>.
  friend io_pool_stats stats(io_pool& pool) noexcept;

  /// What an executor provides to algorithms; see the concept `executor`. The calling thread runs
  /// elements too, so the loop ends even if no thread of the pool is ever free.
  template <class Body>
  friend void bulk_execute(io_pool& pool, std::size_t n, const io_map_options& options,
                           const Body& body) {
    const detail::loop_body erased(body);
    const detail::controller controller = detail::controller_of(options);
    if (controller == nullptr)
      return pool.run_plain_loop(n, options, erased);
    const auto run = [&](const detail::loop_body& controlled) {
      pool.run_plain_loop(n, options, controlled);
    };
    controller(detail::request_of(options), n, erased, detail::loop_runner(run));
  }

  /// Its loops end when a body returns false: see detail/lite/loop_body.hpp.
  friend void body_may_end_loop(const io_pool&) noexcept {}

  /// Likewise, for algorithms that compute ahead of their consumer: runs the task on a thread of
  /// the pool later; false, and the task is not queued, when none can be had.
  friend bool run_later(io_pool& pool, detail::queued_task& task) noexcept {
    try {
      pool.scheduler_.post_helper(task);
      return true;
    } catch (const std::exception&) {
      return false; // no thread, or shut down
    }
  }

  /// Likewise: discards the tasks that help with `owner`, those that nobody has begun.
  friend void dismiss_helpers(io_pool& pool, const void* owner) noexcept {
    pool.scheduler_.discard_if(
        [&](const detail::queued_task& task) { return task.owner() == owner; });
  }

  /// Likewise: how many threads may run such tasks at once.
  friend std::size_t most_helpers(const io_pool& pool) noexcept { return pool.max_threads(); }

  /// Likewise: how many of them are asked for, unless a call is told otherwise. With the consumer's
  /// own call there are as many calls under way as the pool has threads.
  friend std::size_t usual_helpers(const io_pool& pool) noexcept { return pool.max_threads() - 1; }

  /// Likewise: tells the listener, between the two, when tasks end.
  friend void add_listener(io_pool& pool, detail::task_listener& listener) noexcept {
    pool.scheduler_.add(listener);
  }
  friend void remove_listener(io_pool& pool, detail::task_listener& listener) noexcept {
    pool.scheduler_.remove(listener);
  }

  /// Likewise: runs the task that was queued last by what the calling thread runs, of those that
  /// nobody has begun; false if there is none.
  friend bool run_own_task(io_pool& pool) noexcept { return pool.scheduler_.run_own_task(); }

  /// In which shared library the pool was made: see detail/platform/loaded_code.hpp.
  friend const void* module_of(const io_pool& pool) noexcept { return pool.module_; }

  /// What waits need, see detail/task/pending_wait.hpp: whether the calling thread works for the
  /// pool, and so may note its wait.
  friend bool works_for(const io_pool& pool) noexcept { return pool.scheduler_.works_here(); }

  /// Notes a wait of such a thread.
  friend void begin_wait(io_pool& pool, detail::pending_wait& one) noexcept {
    pool.scheduler_.begin_wait(one);
  }

  /// Throws if what has been noted would never end.
  friend void check_wait(io_pool& pool) { pool.scheduler_.check_wait(); }

  /// The wait has ended.
  friend void end_wait(io_pool& pool, detail::pending_wait& one) noexcept {
    pool.scheduler_.end_wait(one);
  }

 private:
  /// Makes a task and has it queued by post(task), unless that throws.
  template <class F, class Post>
  auto queued(F&& f, const Post& post) {
    detail::keep_this_module_for(module_);
    auto task = std::make_unique<detail::submitted_task<std::decay_t<F>>>(std::forward<F>(f));
    auto result = task->get_future();
    post(*task);
    static_cast<void>(task.release()); // the queue's
    return result;
  }

  /// A loop that runs to its end, or to an exception.
  void run_plain_loop(std::size_t n, const io_map_options& options, const detail::loop_body& body) {
    const detail::trace_span span("call", {"elements", n});
    calls_.fetch_add(1, detail::memory_order_relaxed); // relaxed: a number by itself
    const std::size_t wished = options.in_flight != 0 ? options.in_flight : max_threads();
    const std::size_t helpers = std::min(std::min(wished, n) - (n != 0), max_threads());
    std::shared_ptr<detail::io_loop> loop;
    if (helpers != 0)
      loop = detail::io_loop::make(n, body);
    {
      detail::io_scheduler::caller part(scheduler_);
      if (loop == nullptr) { // nobody to help, or no memory to let them: the plain loop
        body(0, n);
        return;
      }
      recruit(helpers, loop);
      loop->participate();
    }
    dismiss_helpers(*this, loop.get());
    if (!loop->close())
      parallel::blocking([&] {
        detail::io_loop::helpers_wait self(*loop);
        const detail::noted_wait<io_pool> noted(*this, self);
        loop->wait();
      });
    if (std::exception_ptr error = loop->take_error())
      std::rethrow_exception(std::move(error));
  }

  /// Queues helpers for a loop, as many as threads can be had for: the loop does not depend on
  /// them. They do not count against the queue's limit, which is there to hold back submit().
  void recruit(std::size_t helpers, const std::shared_ptr<detail::io_loop>& loop) {
    detail::keep_this_module_for(module_);
    try {
      for (; helpers != 0; --helpers) {
        auto helper = std::make_unique<detail::io_loop::helper>(loop);
        scheduler_.post_helper(*helper);
        static_cast<void>(helper.release()); // the queue's
      }
    } catch (const std::exception&) {
      // no memory, no thread, or shut down: fewer helpers
    }
  }

  void refuse_own_thread() const {
    if (scheduler_.is_needed_here())
      throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                              "parallel::io_pool: shutdown() by one of its own threads, which "
                              "would have to wait for itself");
  }

  const std::size_t max_threads_;
  const void* const module_ = detail::this_module();
  detail::native_atomic<std::uint64_t> calls_{0};
  detail::io_scheduler scheduler_;
};

} // namespace parallel
