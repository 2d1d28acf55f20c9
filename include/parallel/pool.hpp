// The work-stealing pool for work that computes, and the one that a call uses if none is named.
//
// The class is a handle: bulk_execute, by which every algorithm enters, hands a loop on to
// loop/loop.hpp; the workers live in scheduler/scheduler.hpp. It stands here, and not in
// thread_pool.hpp, so that programs that only map need not compile <future>. For work that waits
// (files, sockets, locks) there is io_pool.hpp.
#pragma once

#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/loop/loop.hpp>
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
#include <parallel/detail/lite/invalid_argument.hpp>

namespace parallel {

struct thread_pool_stats;

namespace detail {

[[gnu::cold]] inline const thread_pool_options& checked(const thread_pool_options& options) {
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

/// Threads that share the loops of map, map_into and for_each by stealing ranges from each other.
///
/// A pool of n lets at most n threads run one call, its caller included: it starts up to n − 1
/// workers for loops, one more for tasks, and stand-ins for blocked ones (see blocking()), when
/// they are first needed. Workers look around for work for a tenth of a millisecond and then sleep.
/// Where the kernel wakes them on their waker's processor, the affinity mask of a sleeping worker
/// lacks that one processor; it is whole again before the worker runs any code but the pool's. No
/// other thread's mask is touched. Where threads cannot be had, calls go on with those that there
/// are, the caller alone if need be.
///
/// Any number of threads may use one pool at once, the pool's own workers included (nested calls,
/// to any depth). A thread that waits for its call to end runs no other call's work, so a lock may
/// be held across a call. The pool must outlive every call on it.
class thread_pool {
 public:
  /// What a call on it can be told.
  using call_options = map_options;

  /// As many threads as default_concurrency() says.
  [[gnu::cold]] thread_pool() : thread_pool(thread_pool_options{}) {}

  /// At most `threads` threads a call, from 1 to 65,536; else throws std::invalid_argument naming
  /// the value. Starts none yet.
  [[gnu::cold]] explicit thread_pool(std::size_t threads)
      : thread_pool(thread_pool_options{.threads = threads}) {}

  /// Likewise, with a name for its workers and what each calls first and last:
  /// thread_pool{{.threads = 8, .name = "decode", .on_start = load_tables}}.
  [[gnu::cold]] explicit thread_pool(const thread_pool_options& options)
      : scheduler_(detail::checked(options), detail::make_loop) {}

  /// Like shutdown(). Destroying a pool from one of its own workers is a mistake that ends the
  /// program with a message, as the wait could never end.
  ~thread_pool() = default;

  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  /// Runs every task that is queued, those that running tasks still submit too, ends the workers
  /// and waits for them. Meanwhile and afterwards submit() throws shut_down, except within the
  /// tasks that are left to run; maps go on with those workers that there still are, in the end
  /// with the calling thread alone.
  ///
  /// Any thread may call it, several at once too, and again; but on one of the pool's own workers,
  /// and within a task of it, it throws std::system_error (resource_deadlock_would_occur), as it
  /// would wait for itself. Defined in <parallel/thread_pool.hpp>, as is the next.
  inline void shutdown();

  /// Likewise, but tasks that nobody has begun are not run: their futures throw shut_down. Running
  /// ones finish, and cannot submit any more. Also cuts short a shutdown() that is under way.
  inline void shutdown(discard_t);

  /// The most threads that one call may use, the caller included.
  [[nodiscard]] std::size_t size() const noexcept { return scheduler_.concurrency(); }

  /// Runs f() on one of up to size() workers and returns a std::future of its result or exception.
  /// Tasks begin in the order of their submission, when no loop wants help; but see get(). Defined
  /// in <parallel/thread_pool.hpp>.
  ///
  /// `f` is moved or copied in once, may be move-only, and is destroyed on the worker right after
  /// its call, before the future is ready. Throws std::system_error when the pool has no worker yet
  /// and none can be started, shut_down after shutdown(), or std::bad_alloc; the task is then not
  /// queued. A task that waits for another one's future blocks its worker; for those that it has
  /// submitted itself there is get().
  template <class F>
  auto submit(F&& f);

  /// The result of a task, or its exception: future.get(), but within a task or an element of a
  /// map it runs tasks that this task, or this thread within this map, has submitted to this pool
  /// and nobody has begun, the newest first, until the future is ready. So tasks may wait for the
  /// tasks that they have submitted, to any depth, on any number of workers. For any other task
  /// (those that the task around a map has submitted may be among these: it depends on whether the
  /// map is shared) it waits, and a stand-in takes its place meanwhile, if it is among the first 64
  /// that are needed: see blocking(). Of a
  /// shared_future it returns a copy of the result. Defined in <parallel/thread_pool.hpp>.
  template <class Future>
  decltype(auto) get(Future future);

  /// What its threads have done so far. Defined in <parallel/stats.hpp>.
  friend thread_pool_stats stats(const thread_pool& pool);

  /// What an executor provides to algorithms; see the concept `executor`.
  template <class Body>
  friend void bulk_execute(thread_pool& pool, std::size_t n, const map_options& options,
                           const Body& body) {
    static detail::cost_model model; // one for each Body: for each place that makes its own type
    if (const detail::controller controller = detail::controller_of(options))
      pool.run_controlled_loop(controller, model, n, options, detail::loop_body(body));
    else
      detail::run_loop(pool.scheduler_, &model, n, options.grain, detail::loop_body(body));
  }

  /// Its loops end when a body returns false: see detail/lite/loop_body.hpp.
  friend void body_may_end_loop(const thread_pool&) noexcept {}

  /// Likewise, for algorithms that compute ahead of their consumer: runs the task on a worker
  /// later; false, and the task is not queued, when none can be had.
  friend bool run_later(thread_pool& pool, detail::queued_task& task) noexcept {
    return pool.scheduler_.post(task) == detail::scheduler::posted::queued;
  }

  /// In which shared library the pool was made: see detail/platform/loaded_code.hpp.
  friend const void* module_of(const thread_pool& pool) noexcept {
    return pool.scheduler_.module();
  }

  /// Likewise: discards the tasks that help with `owner`, those that nobody has begun.
  friend void dismiss_helpers(thread_pool& pool, const void* owner) noexcept {
    pool.scheduler_.dismiss(owner);
  }

  /// Likewise: how many threads may run such tasks at once beside the consumer.
  friend std::size_t most_helpers(const thread_pool& pool) noexcept { return pool.size() - 1; }

  /// Likewise: has the pages of `bytes` of allocated memory, in which a result is going to be made,
  /// faulted in by all threads, from 1 MiB on and if they are fresh.
  [[gnu::cold]] friend void prepare_memory(thread_pool& pool, void* memory, std::size_t bytes) {
    if (bytes < detail::fresh_pages::least_bytes)
      return;
    const detail::fresh_pages pages(memory, bytes);
    const auto fault_in = [&](std::size_t begin, std::size_t end) {
      for (std::size_t part = begin; part != end; ++part)
        pages.fault_in(part);
    };
    detail::run_loop(pool.scheduler_, nullptr, pages.parts(), 1, detail::loop_body(fault_in));
  }

  /// Likewise: tells the listener, between the two, when tasks end.
  friend void add_listener(thread_pool& pool, detail::task_listener& listener) noexcept {
    pool.scheduler_.add(listener);
  }
  friend void remove_listener(thread_pool& pool, detail::task_listener& listener) noexcept {
    pool.scheduler_.remove(listener);
  }

  /// Likewise: runs the task that was queued last by what the calling thread runs, of those that
  /// nobody has begun; false if there is none.
  friend bool run_own_task(thread_pool& pool) noexcept { return pool.scheduler_.run_own_task(); }

 private:
  inline void refuse_own_worker() const;

  /// What a loop that has been ended early has measured says nothing of its elements.
  [[gnu::cold]] void run_controlled_loop(detail::controller controller, detail::cost_model& model,
                                         std::size_t n, const map_options& options,
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

[[gnu::cold]] inline thread_pool& make_default_pool() {
  static constinit atomic<bool> known{false};
  if (!known.exchange(true, memory_order_relaxed)) // relaxed: once is enough, by anybody
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

/// The pool of calls that name none: default_concurrency() threads, made at first use.
///
/// It is never destroyed, so that it can be used from static constructors and destructors and
/// while the program exits; its sleeping workers end with the process. After a fork() (Linux) the
/// child gets one of its own, at its first use there. Thread-safe.
inline thread_pool& default_pool() {
  // acquire: pairs with the release in make_default_pool().
  thread_pool* const pool = detail::default_pool_or_null.load(detail::memory_order_acquire);
  return pool != nullptr ? *pool : detail::make_default_pool();
}

} // namespace parallel
