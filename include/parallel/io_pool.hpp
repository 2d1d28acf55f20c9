// A pool for tasks that block: downloads, files, locks, subprocesses.
//
// It shares nothing with the work-stealing pool, whose few threads must not block. It grows as its
// threads block: detail/io/dispatcher.hpp says how. detail/io/loop.hpp runs loops over it.
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

/// A pool of threads for blocking work: it has about as many as calls are blocked, up to a limit.
///
/// submit(f) runs one task. parallel::map(io, xs, f) and its family call f for each element of a
/// range, with a chosen number of calls under way at once. Tasks start in the order in which they
/// were submitted, except those that get() runs.
///
/// How the pool grows and shrinks:
/// - Tasks that take less than some ten microseconds run one after another on one thread, and wake
///   no other.
/// - When a task takes longer and more are queued, a thread is woken or created, and with it as
///   many more as are blocked already. So the threads double until all that is queued is under way.
/// - A thread that has had nothing to do for io_pool_options::idle_timeout ends.
///
/// Any number of threads may use one pool at once, its own threads included.
class io_pool {
 public:
  /// The options of a call on the pool.
  using call_options = io_map_options;

  /// A pool of up to 64 threads and 1,024 waiting tasks.
  io_pool() : io_pool(io_pool_options{}) {}

  /// Creates no thread yet. Throws std::invalid_argument, naming the value, when max_threads is not
  /// from 1 to 65,536 or queue is 0.
  explicit io_pool(const io_pool_options& options)
      : max_threads_(options.max_threads), scheduler_(detail::checked(options)) {}

  io_pool(const io_pool&) = delete;
  io_pool& operator=(const io_pool&) = delete;

  /// Calls shutdown(). To destroy a pool on one of its own threads, or within one of its tasks, is
  /// a mistake that ends the program with a message, as the wait could never end.
  ~io_pool() = default;

  /// Runs every task that is queued, and every task that running tasks still submit; then ends the
  /// threads and waits for them.
  ///
  /// Meanwhile and afterwards submit() throws shut_down, except within the tasks that are left to
  /// run; a submit() that is waiting because the queue is full throws it too. Maps run on the
  /// calling thread alone.
  ///
  /// Any thread may call it, several threads may at once, and it may be called again. But on one of
  /// the pool's own threads, and within a task of the pool, it throws std::system_error
  /// (resource_deadlock_would_occur), as it would wait for itself.
  void shutdown() {
    refuse_own_thread();
    scheduler_.shutdown();
  }

  /// Discards every task that has not started, waits for the running ones, ends the threads and
  /// waits for them. The futures of discarded tasks throw shut_down. Running tasks cannot submit
  /// any more.
  ///
  /// It cuts short a shutdown() that is under way on another thread. It may be called wherever
  /// shutdown() may, and throws the same exception on the pool's own threads.
  void shutdown(discard_t) {
    refuse_own_thread();
    scheduler_.shutdown_and_discard();
  }

  /// Runs f() on one of the pool's threads and returns a future of its result or exception.
  ///
  /// `f` is moved or copied once, may be move-only, and is destroyed on the thread that calls it,
  /// right after the call. Inside a task, wait for another task with get(): a thread that is
  /// blocked in future.get() runs no other task, and nothing replaces it.
  ///
  /// Blocks while the queue is full. The pool's own threads do not block, as they could otherwise
  /// wait for each other: their tasks are queued beyond the limit. Threads of other pools do. So
  /// where a task of this pool waits for a task elsewhere that submits to this pool, make the queue
  /// long enough.
  ///
  /// Throws shut_down when the pool has been shut down, std::system_error when the pool has no
  /// thread and none can be created, std::bad_alloc, or what the copy or move of `f` throws. The
  /// task is then not queued.
  template <class F>
  std::future<std::invoke_result_t<std::decay_t<F>&>> submit(F&& f) {
    return enqueue(std::forward<F>(f),
                   [this](detail::queued_task& task) { scheduler_.post(task); });
  }

  /// Submits f if the queue is not full; never blocks.
  ///
  /// Returns what submit(f) returns. If the queue is full, on the pool's own threads too, it does
  /// not queue the task, leaves `f` as it is, and returns an empty std::optional. It throws what
  /// submit() throws.
  template <class F>
  std::optional<std::future<std::invoke_result_t<std::decay_t<F>&>>> try_submit(F&& f) {
    if (!scheduler_.try_reserve())
      return std::nullopt;
    try {
      return enqueue(std::forward<F>(f),
                     [this](detail::queued_task& task) { scheduler_.post_reserved(task); });
    } catch (...) {
      scheduler_.release();
      throw;
    }
  }

  /// Waits until the future is ready, and returns its result or throws its exception, as
  /// future.get() does. Of a std::shared_future it returns a copy of the result.
  ///
  /// Inside a task, wait for another task with `pool.get(future)` instead of `future.get()`. `get`
  /// first runs tasks that the waiting task submitted itself, so recursion cannot run out of
  /// threads:
  /// - Within a task, it runs tasks that this task has submitted to this pool and that have not
  ///   started, the newest first, until the future is ready.
  /// - Within an element of a map, it does the same with the tasks that this thread has submitted
  ///   within this map.
  /// - If the future is still not ready, it waits. Within a task or an element of a thread_pool, a
  ///   compensating worker takes this thread's place meanwhile (see blocking()).
  ///
  /// So tasks may wait for the tasks that they have submitted, to any depth and on any number of
  /// threads. Tasks of a thread_pool and of an io_pool may also wait for each other's in this way.
  ///
  /// If every thread that works for the pool would end up waiting, the wait could never end: then
  /// `get` throws std::system_error (resource_deadlock_would_occur). It does so when all of this is
  /// true:
  /// - All of the pool's threads, and all other threads that run a task or a map of the pool, wait:
  ///   in get(), in as_completed() without a stop or a deadline, at the end of a map on this pool,
  ///   or for the next result of an imap on it.
  /// - Each of them waits for a task that one of them runs, or for a task that is queued.
  /// - No thread is left to run what is queued: none can be created, and no task of another pool
  ///   has submitted some of it, and so could run it.
  ///
  /// One of the threads in get() or as_completed() then gets the exception, within a second.
  ///
  /// The pool cannot tell such a deadlock if a thread waits in another way (in future.get(), for a
  /// lock, or in another pool's get()), or for a future of something else than a task of the pool,
  /// which may become ready all the same: these waits go on.
  template <class Future>
  detail::result_of<Future> get(Future future) {
    if (!detail::is_ready(future))
      parallel::blocking([&] { // the tasks that it runs here may block, too
        detail::run_own_tasks_until_ready(*this, future);
        detail::wait_for(*this, future);
      });
    return future.get();
  }

  /// The most threads that the pool grows to.
  [[nodiscard]] std::size_t max_threads() const noexcept { return max_threads_; }

  /// How many threads exist right now; a snapshot, for watching the pool. A thread that is still
  /// being created does not count, as that may fail.
  [[nodiscard]] std::size_t threads() const noexcept { return scheduler_.threads(); }

  /// What the pool is doing, and has done so far. Defined in <parallel/stats.hpp>.
  friend io_pool_stats stats(io_pool& pool) noexcept;

  // What an executor provides to algorithms: executor.hpp says what each of these functions does.
  // In bulk_execute() the calling thread runs elements too, so the loop ends even if no thread of
  // the pool is ever free.
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
  friend bool run_later(io_pool& pool, detail::queued_task& task) noexcept {
    try {
      pool.scheduler_.post_helper(task);
      return true;
    } catch (const std::exception&) {
      return false; // no thread, or shut down
    }
  }
  friend void dismiss_helpers(io_pool& pool, const void* owner) noexcept {
    pool.scheduler_.discard_if(
        [&](const detail::queued_task& task) { return task.owner() == owner; });
  }
  friend std::size_t most_helpers(const io_pool& pool) noexcept { return pool.max_threads(); }
  friend std::size_t usual_helpers(const io_pool& pool) noexcept {
    return pool.max_threads() - 1; // with the consumer's own call: as many as there are threads
  }
  friend bool run_own_task(io_pool& pool) noexcept { return pool.scheduler_.run_own_task(); }
  friend void add_listener(io_pool& pool, detail::task_listener& listener) noexcept {
    pool.scheduler_.add(listener);
  }
  friend void remove_listener(io_pool& pool, detail::task_listener& listener) noexcept {
    pool.scheduler_.remove(listener);
  }

  // For the library's own algorithms: the pool's loops end when a body returns false
  // (detail/lite/loop_body.hpp), and the shared library in which the pool was made
  // (detail/platform/loaded_code.hpp).
  friend void body_may_end_loop(const io_pool&) noexcept {}
  friend const void* module_of(const io_pool& pool) noexcept { return pool.module_; }

  // What a wait tells the pool, so that it can detect deadlocks: see detail/task/pending_wait.hpp.
  friend bool works_for(const io_pool& pool) noexcept { return pool.scheduler_.works_here(); }
  friend void begin_wait(io_pool& pool, detail::pending_wait& wait) noexcept {
    pool.scheduler_.begin_wait(wait);
  }
  friend void check_wait(io_pool& pool) { pool.scheduler_.check_wait(); }
  friend void end_wait(io_pool& pool, detail::pending_wait& wait) noexcept {
    pool.scheduler_.end_wait(wait);
  }

 private:
  /// Makes a task of f and queues it with post(task), unless that throws.
  template <class F, class Post>
  auto enqueue(F&& f, const Post& post) {
    detail::pin_this_module_unless(module_);
    auto task = std::make_unique<detail::submitted_task<std::decay_t<F>>>(std::forward<F>(f));
    auto result = task->get_future();
    post(*task);
    static_cast<void>(task.release()); // the queue owns it now
    return result;
  }

  /// A loop without options that control it: runs all elements, or rethrows an exception.
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
      if (loop == nullptr) { // no helpers, or no memory for the loop's state
        body(0, n);
        return;
      }
      post_helpers(helpers, loop);
      loop->participate();
    }
    dismiss_helpers(*this, loop.get());
    if (!loop->close())
      wait_for_helpers(*loop);
    if (std::exception_ptr error = loop->take_error())
      std::rethrow_exception(std::move(error));
  }

  /// Queues helpers for a loop, fewer if threads or memory are short, none if the pool has been
  /// shut down: the loop does not depend on them. They use none of the queue's capacity, which is
  /// there to hold back submit().
  void post_helpers(std::size_t helpers, const std::shared_ptr<detail::io_loop>& loop) {
    detail::pin_this_module_unless(module_);
    try {
      for (; helpers != 0; --helpers) {
        auto helper = std::make_unique<detail::io_loop::helper>(loop);
        scheduler_.post_helper(*helper);
        static_cast<void>(helper.release()); // the queue owns it now
      }
    } catch (const std::exception&) {
      // fewer helpers
    }
  }

  /// At the end of a loop: waits for the helpers that are running.
  void wait_for_helpers(detail::io_loop& loop) {
    parallel::blocking([&] {
      detail::io_loop::helpers_wait self(loop);
      const detail::tracked_wait<io_pool> tracked(*this, self);
      loop.wait();
    });
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
