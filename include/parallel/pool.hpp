// thread_pool, the work-stealing pool for work that computes, and default_pool(), the pool of calls
// that name none.
//
// This header has the class and its documentation, and what loops need. It does not include
// <future>, so a program that only maps does not compile it. thread_pool.hpp adds the definitions
// of submit(), get() and shutdown(): include it to use these. The class is a handle:
// bulk_execute(), which every algorithm calls, passes a loop to detail/loop/run_loop.hpp, and
// the workers are in detail/scheduler/scheduler.hpp. For work that waits (files, sockets, locks)
// there is io_pool.hpp.
#pragma once

#include <parallel/detail/lite/invalid_argument.hpp>
#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/loop/run_loop.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/platform/pages.hpp>
#include <parallel/detail/platform/process.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/scheduler/scheduler.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/options.hpp>
#include <parallel/pool_options.hpp>

#include <cstddef>
#include <cstdio>

namespace parallel {

struct thread_pool_stats;

namespace detail {

inline const thread_pool_options& checked(const thread_pool_options& options) {
  if (options.threads == 0 || options.threads > most_threads) {
    char message[96];
    std::snprintf(message, sizeof message,
                  "parallel::thread_pool: threads is %zu, must be from 1 to %zu", options.threads,
                  most_threads);
    throw_invalid_argument(message);
  }
  return options;
}

} // namespace detail

/// A pool of threads for work that computes. Its threads share the loops of map() and the other
/// algorithms by stealing ranges of elements from each other, and run single tasks.
///
/// Threads: at most size() threads run one call, its caller included. A pool of size n starts up to
/// n − 1 workers for loops, one more worker for tasks, and compensating workers for blocked ones
/// (see blocking()). Each is started when it is first needed. A worker without work searches for
/// some for a tenth of a millisecond and then sleeps. If threads cannot be started, calls run on
/// the threads that exist, at worst on the caller alone.
///
/// Affinity: where the kernel would wake a worker on the processor of the thread that wakes it,
/// that one processor is missing from the affinity mask of a sleeping worker. The mask is restored
/// before the worker runs any code but the pool's. The mask of no other thread is changed.
///
/// Nesting: calls nest to any depth without deadlock, and nested calls share the pool's threads. A
/// thread that waits for a nested call runs only elements of that call, so you may hold a lock
/// across it.
///
/// Thread-safe: any number of threads may use a pool at once, the pool's own workers included. The
/// pool must outlive every call on it.
class thread_pool {
 public:
  /// The type of a call's options.
  using call_options = map_options;

  /// A pool of default_concurrency() threads. Starts none yet.
  PARALLEL_DETAIL_COMPACT thread_pool() : thread_pool(thread_pool_options{}) {}

  /// A pool in which at most `threads` threads run one call, its caller included. Starts none yet.
  /// Throws std::invalid_argument, whose message names the value, unless it is from 1 to 65,536.
  explicit thread_pool(std::size_t threads)
      : thread_pool(thread_pool_options{.threads = threads}) {}

  /// A pool whose workers have a name, and call a function when they start and before they end:
  /// thread_pool{{.threads = 8, .name = "decode", .on_start = register_thread}}. Starts no thread
  /// yet. Throws std::invalid_argument, whose message names the value, unless options.threads is
  /// from 1 to 65,536.
  PARALLEL_DETAIL_COMPACT explicit thread_pool(const thread_pool_options& options)
      : scheduler_(detail::checked(options), detail::make_loop) {}

  /// Runs every task that is queued, ends the workers and waits for them, as shutdown() does.
  /// Destroying a pool on one of its own workers ends the program with a message, because the
  /// worker would wait for itself forever.
  ~thread_pool() = default;

  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  /// Runs every task that is queued, and every task that these tasks submit; then ends the workers
  /// and waits for them. From its beginning on, submit() throws shut_down, except inside the tasks
  /// that are left to run. Maps still work: they use the workers that have not ended yet, and in
  /// the end the calling thread alone.
  ///
  /// Any thread may call it, also several threads at once, and repeatedly. On one of the pool's own
  /// workers, or inside a task of the pool, it throws std::system_error
  /// (resource_deadlock_would_occur), because it would wait for itself. Defined in
  /// <parallel/thread_pool.hpp>.
  inline void shutdown();

  /// Ends the pool without the tasks that have not begun: pool.shutdown(parallel::discard). The
  /// futures of these tasks throw shut_down. Running tasks finish, but their calls of submit()
  /// throw shut_down. It also shortens a shutdown() that is waiting on another thread. In all else
  /// it is like shutdown(). Defined in <parallel/thread_pool.hpp>.
  inline void shutdown(discard_t);

  /// Returns how many threads may run one call, its caller included.
  [[nodiscard]] std::size_t size() const noexcept { return scheduler_.concurrency(); }

  /// Queues f() as a task, to be run on one of up to size() workers, and returns a std::future of
  /// its result or exception. Does not wait for the task.
  ///
  /// `f` is moved or copied in once and may be move-only. It is destroyed on the worker right after
  /// its call, before the future becomes ready. Tasks begin in the order of their submission,
  /// except those that get() runs earlier; workers prefer loops to tasks. A queued task cannot be
  /// cancelled by itself: only shutdown(discard) removes it, together with all others.
  ///
  /// Throws shut_down after shutdown(), std::system_error when the pool has no worker yet and none
  /// can be started, or std::bad_alloc. In each case the task is not queued. To wait for a task
  /// inside another task, use get(): future.get() would block the worker. Thread-safe. Defined in
  /// <parallel/thread_pool.hpp>.
  template <class F>
  auto submit(F&& f);

  /// Waits for a future and returns its result, or throws its exception. Inside a task, wait for
  /// another task with `pool.get(future)` instead of `future.get()`. For a shared_future it returns
  /// a copy of the result.
  ///
  /// `get` first runs tasks that the waiting task submitted itself to this pool and that have not
  /// begun, the newest first, until the future is ready. So recursion cannot run out of threads: a
  /// task may wait for tasks that it submitted, to any depth, on any number of workers. Inside an
  /// element of a map, these are the tasks that this thread submitted in this map. Tasks that were
  /// submitted by a task around the map are among them or not, depending on whether the map is
  /// shared with other threads.
  ///
  /// If it still has to wait, the pool starts a compensating worker, up to 64 of them: see
  /// blocking(). Defined in <parallel/thread_pool.hpp>.
  template <class Future>
  decltype(auto) get(Future future);

  /// Returns what the pool's threads have done so far. Defined in <parallel/stats.hpp>.
  friend thread_pool_stats stats(const thread_pool& pool);

  // What an executor provides to algorithms: see the concepts `executor` and `task_executor`.

  /// Runs a loop. The static cost model exists once for each Body: once for each callable type.
  template <class Body>
  friend void bulk_execute(thread_pool& pool, std::size_t n, const map_options& options,
                           const Body& body) {
    static detail::cost_model model;
    if (const detail::controller controller = detail::controller_of(options))
      pool.run_controlled_loop(controller, model, n, options, detail::loop_body(body));
    else
      detail::run_loop(pool.scheduler_, &model, n, options.grain, detail::loop_body(body));
  }

  /// Its loops end when a body returns false: see detail/lite/loop_body.hpp.
  friend void body_may_end_loop(const thread_pool&) noexcept {}

  /// Queues a task for an algorithm that computes ahead of its consumer. Returns false, and the
  /// task is not queued, when no worker can be started.
  friend bool run_later(thread_pool& pool, detail::queued_task& task) noexcept {
    return pool.scheduler_.post(task) == detail::scheduler::posted::queued;
  }

  /// The shared library in which the pool was made: see detail/platform/loaded_code.hpp.
  friend const void* module_of(const thread_pool& pool) noexcept {
    return pool.scheduler_.module();
  }

  /// Discards the tasks that help with `owner` and have not begun.
  friend void dismiss_helpers(thread_pool& pool, const void* owner) noexcept {
    pool.scheduler_.dismiss(owner);
  }

  /// How many threads may run such tasks at once, beside the consumer.
  friend std::size_t most_helpers(const thread_pool& pool) noexcept { return pool.size() - 1; }

  /// Lets all threads fault in the pages of memory in which a result of `bytes` is going to be
  /// made, if it is 1 MiB or more and the pages are fresh.
  PARALLEL_DETAIL_COMPACT friend void prepare_memory(thread_pool& pool, void* memory,
                                                     std::size_t bytes) {
    if (bytes < detail::fresh_pages::least_bytes)
      return;
    const detail::fresh_pages pages(memory, bytes);
    const auto fault_in = [&](std::size_t begin, std::size_t end) {
      for (std::size_t part = begin; part != end; ++part)
        pages.fault_in(part);
    };
    detail::run_loop(pool.scheduler_, nullptr, pages.parts(), 1, detail::loop_body(fault_in));
  }

  /// Notifies the listener when tasks end, until remove_listener().
  friend void add_listener(thread_pool& pool, detail::task_listener& listener) noexcept {
    pool.scheduler_.add(listener);
  }
  friend void remove_listener(thread_pool& pool, detail::task_listener& listener) noexcept {
    pool.scheduler_.remove(listener);
  }

  /// Of the tasks that were queued by what the calling thread runs and that have not begun, runs
  /// the newest. Returns false if there is none.
  friend bool run_own_task(thread_pool& pool) noexcept { return pool.scheduler_.run_own_task(); }

 private:
  inline void refuse_own_worker() const;

  /// Measures with a copy of the cost model: a loop that was stopped measures nothing useful.
  PARALLEL_DETAIL_COMPACT void run_controlled_loop(detail::controller controller,
                                                   detail::cost_model& model, std::size_t n,
                                                   const map_options& options,
                                                   const detail::loop_body& body) {
    detail::cost_model measured(model.estimate());
    const auto run = [&](const detail::loop_body& controlled) {
      detail::run_loop(scheduler_, &measured, n, options.grain, controlled);
    };
    controller(detail::request_of(options), n, body, detail::loop_runner(run));
    if (const double found = measured.estimate(); found > 0)
      model.learn(found, 1);
  }

  detail::scheduler scheduler_;
};

namespace detail {

inline constinit atomic<thread_pool*> default_pool_or_null{nullptr};

PARALLEL_DETAIL_COMPACT inline thread_pool& make_default_pool() {
  static constinit atomic<bool> known{false};
  if (!known.exchange(true, memory_order_relaxed)) // relaxed: only the first exchange counts
    call_in_children([] { default_pool_or_null.store(nullptr, memory_order_relaxed); });
  pin_module_of(code_of(&make_default_pool)); // it is never destroyed, nor do its workers end
  auto* const made = new thread_pool;
  thread_pool* first = nullptr;
  // The release pairs with the acquire in default_pool(), and with the one here.
  if (default_pool_or_null.compare_exchange_strong(first, made, memory_order_acq_rel,
                                                   memory_order_acquire))
    return *made;
  delete made; // another thread was quicker
  return *first;
}

} // namespace detail

/// Returns the pool of calls that name none. It has default_concurrency() threads and is made at
/// its first use.
///
/// The pool is never destroyed, so it can be used in static constructors and destructors, and while
/// the program exits; its sleeping workers end with the process. After a fork() (Linux), the child
/// process gets a default pool of its own at its first use. Thread-safe. The first use may
/// throw std::bad_alloc.
inline thread_pool& default_pool() {
  // acquire: pairs with the release in make_default_pool().
  thread_pool* const pool = detail::default_pool_or_null.load(detail::memory_order_acquire);
  return pool != nullptr ? *pool : detail::make_default_pool();
}

} // namespace parallel
