// A pool for tasks that block: downloads, files, locks, subprocesses.
//
// One mutex, one bounded first-in-first-out queue, threads made when work arrives and none is free.
// It shares nothing with the work-stealing pool, whose few threads must not block. Loops over it
// are in detail/io_loop.hpp.
#pragma once

#include <parallel/detail/io_loop.hpp>
#include <parallel/detail/loop_body.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/retry.hpp>
#include <parallel/detail/submitted_task.hpp>
#include <parallel/detail/task_list.hpp>
#include <parallel/detail/task_listeners.hpp>
#include <parallel/errors.hpp>
#include <parallel/options.hpp>
#include <parallel/pool_options.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallel {

/// Threads for blocking work, as many as there are blocked calls, up to a limit.
///
/// submit(f) runs one task; parallel::map(io, xs, f) and its family run f over a range with a
/// chosen number of calls under way. Tasks begin in the order of their submission. Any number of
/// threads may use one pool at once, its own threads included.
class io_pool {
 public:
  using call_options = io_map_options;

  /// Up to 64 threads and 1,024 waiting tasks.
  io_pool() : io_pool(io_options{}) {}

  /// Starts no thread yet. Throws std::invalid_argument, naming the value, when max_threads is not
  /// from 1 to 65,536 or queue is 0.
  explicit io_pool(const io_options& options) : options_(options) {
    if (options.max_threads == 0 || options.max_threads > detail::most_threads)
      throw std::invalid_argument("parallel::io_pool: max_threads is " +
                                  std::to_string(options.max_threads) + ", must be from 1 to " +
                                  std::to_string(detail::most_threads));
    if (options.queue == 0)
      throw std::invalid_argument("parallel::io_pool: queue is 0, must be at least 1");
    threads_.reserve(options.max_threads); // so that growing the pool and falling idle cannot fail
    idle_.reserve(options.max_threads);
  }

  io_pool(const io_pool&) = delete;
  io_pool& operator=(const io_pool&) = delete;

  /// Like shutdown(). Destroying a pool from one of its own threads is a mistake that ends the
  /// program with a message, as the wait could never end.
  ~io_pool() {
    if (this_pool == this)
      detail::fatal("an io_pool was destroyed by one of its own threads, which would have to wait "
                    "for itself; let another thread own the pool");
    close_and_join();
  }

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
    close_and_join();
  }

  /// Likewise, but tasks that nobody has begun are not run: their futures throw shut_down. Running
  /// ones finish, and cannot submit any more. Also cuts short a shutdown() that is under way.
  void shutdown(discard_t) {
    refuse_own_thread();
    {
      const std::lock_guard lock(mutex_);
      open_to_ = nobody;
    }
    discard_if([](const detail::queued_task&) { return true; });
    close_and_join();
  }

  /// Runs f() on one of the pool's threads and returns a future of its result or exception.
  ///
  /// Blocks while the queue is full, except on the pool's own threads, whose tasks are queued
  /// beyond the limit: they could otherwise wait for each other. `f` is moved or copied in once,
  /// may be move-only, and is destroyed on the pool's thread right after its call. Throws
  /// std::system_error when the pool has no thread yet and none can be made, shut_down when it has
  /// been shut down, or std::bad_alloc; the task is then not queued. A task that waits for another
  /// one's future needs a free thread to run it: with max_threads such waits under way, nobody is
  /// left. For the tasks that it has submitted itself there is get().
  template <class F>
  std::future<std::invoke_result_t<std::decay_t<F>&>> submit(F&& f) {
    auto task = std::make_unique<detail::submitted_task<std::decay_t<F>>>(std::forward<F>(f));
    auto result = task->get_future();
    std::unique_lock lock(mutex_);
    try {
      wait_for_room(lock);
      post(lock, *task);
    } catch (...) {
      wake_blocked(); // the room stays for the next
      throw;
    }
    static_cast<void>(task.release()); // the queue's
    return result;
  }

  /// The result of a task, or its exception: future.get(), but within a task or an element of a map
  /// it runs tasks that this task, or this thread within this map, has submitted to this pool and
  /// nobody has begun, the newest first, until the future is ready. So tasks may wait for the tasks
  /// that they have submitted, to any depth, on any number of threads. For any other task it only
  /// waits: like future.get(), that needs a free thread. Of a shared_future it returns a copy of
  /// the result.
  template <class Future>
  decltype(auto) get(Future future) {
    return detail::help_and_get(*this, future);
  }

  /// The most threads that the pool grows to.
  [[nodiscard]] std::size_t max_threads() const noexcept { return options_.max_threads; }

  /// What an executor provides to algorithms; see the concept `executor`. The calling thread runs
  /// elements too, so the loop ends even if no thread of the pool is ever free.
  template <class Body>
  friend void run_loop(io_pool& pool, std::size_t n, const io_map_options& options,
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

  /// Likewise, for algorithms that compute ahead of their consumer: runs the task on a thread of
  /// the pool later; false, and the task is not queued, when none can be had.
  friend bool run_later(io_pool& pool, detail::queued_task& task) noexcept {
    try {
      std::unique_lock lock(pool.mutex_);
      pool.post(lock, task);
      return true;
    } catch (const std::exception&) {
      return false; // no thread, or shut down
    }
  }

  /// Likewise: discards the tasks that help with `helped`, those that nobody has begun.
  friend void dismiss_helpers(io_pool& pool, const void* helped) noexcept {
    pool.discard_if([&](const detail::queued_task& task) { return task.helped() == helped; });
  }

  /// Likewise: how many threads may run such tasks at once.
  friend std::size_t most_helpers(const io_pool& pool) noexcept { return pool.max_threads(); }

  /// Likewise: tells the listener, between the two, when tasks end.
  friend void add_listener(io_pool& pool, detail::task_listener& listener) noexcept {
    const std::lock_guard lock(pool.mutex_);
    pool.listeners_.add(listener);
  }
  friend void remove_listener(io_pool& pool, detail::task_listener& listener) noexcept {
    const std::lock_guard lock(pool.mutex_);
    pool.listeners_.remove(listener);
  }

  /// Likewise: runs the task that was queued last by what the calling thread runs, of those that
  /// nobody has begun; false if there is none.
  friend bool run_own_task(io_pool& pool) noexcept {
    const detail::task_frame* const frame = detail::task_frame::innermost();
    std::unique_lock lock(pool.mutex_);
    detail::queued_task* const task = frame != nullptr ? pool.tasks_.pop_own(*frame) : nullptr;
    if (task != nullptr)
      pool.run(lock, *task);
    return task != nullptr;
  }

 private:
  /// A loop that runs to its end, or to an exception.
  void run_plain_loop(std::size_t n, const io_map_options& options, const detail::loop_body& body) {
    const std::size_t wished = options.in_flight != 0 ? options.in_flight : max_threads();
    const std::size_t helpers = std::min(std::min(wished, n) - (n != 0), max_threads());
    std::shared_ptr<detail::io_loop> loop;
    if (helpers != 0)
      loop = detail::io_loop::make(n, body);
    {
      detail::task_frame frame(tasks_, mutex_);
      if (loop == nullptr)
        return body(0, n); // nobody to help, or no memory to let them: the plain loop
      recruit(helpers, loop);
      loop->participate();
    }
    dismiss_helpers(*this, loop.get());
    if (std::exception_ptr error = loop->finish())
      std::rethrow_exception(std::move(error));
  }

  /// A thread that waits under mutex_, on its own stack: each has a condition variable to itself,
  /// so that no wake can go to the wrong one.
  struct sleeper {
    std::condition_variable woken;
    bool called = false;
  };

  /// Who may submit.
  enum access { everybody, own_threads, nobody };

  /// The pool of which the calling thread is one, or runs a task.
  static inline constinit thread_local io_pool* this_pool = nullptr;

  /// Called under mutex_, so that the sleeper is still there to be notified.
  static void wake(sleeper& one) noexcept {
    one.called = true;
    one.woken.notify_one();
  }

  /// Wakes the thread that fell idle last, whose stack is the warmest; false if none is idle.
  bool wake_idle() noexcept {
    if (idle_.empty())
      return false;
    wake(*idle_.back());
    idle_.pop_back();
    return true;
  }

  /// Wakes the submitter that has waited longest for room.
  void wake_blocked() noexcept {
    if (blocked_.empty())
      return;
    wake(*blocked_.front());
    blocked_.pop_front();
  }

  /// Waits until the queue has room, behind those who wait already, or is closed.
  void wait_for_room(std::unique_lock<std::mutex>& lock) {
    if (this_pool == this)
      return;
    bool waited = false;
    while (open_to_ == everybody &&
           (submitted_ >= options_.queue || (!waited && !blocked_.empty()))) {
      sleeper self;
      // Each task that leaves wakes one submitter. A woken one that finds the room gone, to tasks
      // of the pool's own threads, keeps its place.
      blocked_.insert(waited ? blocked_.begin() : blocked_.end(), &self);
      waited = true;
      self.woken.wait(lock, [&] { return self.called; });
    }
  }

  /// Queues helpers for a loop, as many as threads can be had for: the loop does not depend on
  /// them. They do not count against the queue's limit, which is there to hold back submit().
  void recruit(std::size_t helpers, const std::shared_ptr<detail::io_loop>& loop) {
    try {
      for (; helpers != 0; --helpers) {
        auto helper = std::make_unique<detail::io_loop::helper>(loop);
        std::unique_lock lock(mutex_);
        post(lock, *helper);
        static_cast<void>(helper.release()); // the queue's
      }
    } catch (const std::exception&) {
      // no memory, no thread, or shut down: fewer helpers
    }
  }

  /// Queues a task and sees to it that a thread will come for it. If it throws, it has not.
  void post(std::unique_lock<std::mutex>& lock, detail::queued_task& task) {
    if (open_to_ == nobody || (open_to_ == own_threads && this_pool != this))
      throw shut_down();
    // The first thread is made before the task is queued, and under the mutex: if there can be
    // none, nothing has happened. It never ends before the pool, so a task once queued will be run.
    const bool first = total_ == 0;
    if (first) {
      threads_.emplace_back([this] { work(1); });
      total_ = 1;
    }
    // A helper is nobody's own: it runs whatever there is to help with.
    tasks_.push(task, task.helped() == nullptr ? detail::task_frame::innermost() : nullptr);
    submitted_ += task.helped() == nullptr ? 1 : 0;
    if (!first && !wake_idle() && total_ < options_.max_threads)
      add_thread(lock);
  }

  /// Makes one more thread, without holding the mutex meanwhile. If none is to be had, the threads
  /// that there are will run what is queued.
  void add_thread(std::unique_lock<std::mutex>& lock) {
    const std::size_t number = ++total_;
    ++starting_;
    std::thread thread;
    lock.unlock();
    try {
      thread = std::thread([this, number] { work(number); });
    } catch (const std::exception&) {
      // no thread to be had: `thread` stays empty
    }
    lock.lock();
    --starting_;
    if (thread.joinable())
      threads_.push_back(std::move(thread));
    else
      --total_;
    notify_if_resting();
  }

  /// Runs a task that has just left the queue; holds the mutex before and afterwards.
  void run(std::unique_lock<std::mutex>& lock, detail::queued_task& task) noexcept {
    if (task.helped() == nullptr) {
      --submitted_;
      wake_blocked();
    }
    ++running_;
    lock.unlock();
    io_pool* const around = std::exchange(this_pool, this);
    {
      detail::task_frame frame(tasks_, mutex_);
      task.run();
    }
    this_pool = around;
    lock.lock();
    --running_;
    listeners_.tell();
    notify_if_resting();
  }

  void work(std::size_t number) noexcept {
    this_pool = this;
    detail::name_this_thread(options_.name.or_else("parallel-io"), number);
    options_.on_start(number);
    {
      std::unique_lock lock(mutex_);
      for (;;) {
        while (detail::queued_task* const task = tasks_.pop())
          run(lock, *task);
        if (stopping_)
          break;
        sleeper self;
        idle_.push_back(&self);
        self.woken.wait(lock, [&] { return self.called; });
      }
    }
    options_.on_stop(number);
  }

  /// Discards the tasks for which is_wanted(task) is true, of those that nobody has begun.
  template <class Wanted>
  void discard_if(const Wanted& is_wanted) noexcept {
    detail::task_list unwanted;
    {
      const std::lock_guard lock(mutex_);
      tasks_.move_to(unwanted, [&](const detail::queued_task& task) {
        const bool wanted = is_wanted(task);
        submitted_ -= wanted && task.helped() == nullptr ? 1 : 0;
        return wanted;
      });
      ++running_; // not at rest before they are gone
    }
    unwanted.discard_all(); // not under the mutex: it runs the users' destructors
    const std::lock_guard lock(mutex_);
    --running_;
    listeners_.tell();
    notify_if_resting();
  }

  /// Nothing to run and nobody who could submit more: only then may the threads end.
  [[nodiscard]] bool resting() const { return tasks_.empty() && running_ == 0 && starting_ == 0; }

  void notify_if_resting() {
    if (resting())
      at_rest_.notify_all();
  }

  void refuse_own_thread() const {
    if (this_pool == this)
      throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                              "parallel::io_pool: shutdown() by one of its own threads, which "
                              "would have to wait for itself");
  }

  void close_and_join() {
    {
      std::unique_lock lock(mutex_);
      if (open_to_ == everybody)
        open_to_ = own_threads;
      while (!blocked_.empty())
        wake_blocked();
      at_rest_.wait(lock, [this] { return resting(); });
      open_to_ = nobody;
      stopping_ = true;
      while (wake_idle())
        ;
    }
    const std::lock_guard lock(joining_);
    for (std::thread& thread : threads_)
      if (thread.joinable())
        thread.join();
  }

  const io_options options_;
  std::mutex mutex_; // guards everything below; threads_ only until stopping_, then joining_ does
  access open_to_ = everybody;
  detail::task_list tasks_;
  detail::task_listeners listeners_;
  std::size_t submitted_ = 0;    // of the queued tasks, those that are no helpers
  std::deque<sleeper*> blocked_; // submitters that wait for room in the queue
  std::vector<sleeper*> idle_;   // threads that wait for a task
  std::vector<std::thread> threads_;
  std::size_t total_ = 0;           // threads that run or are being made
  std::size_t starting_ = 0;        // threads being made
  std::size_t running_ = 0;         // tasks under way
  std::condition_variable at_rest_; // who shuts the pool down waits on it
  bool stopping_ = false;
  std::mutex joining_;
};

} // namespace parallel
