// A pool for tasks that block: downloads, files, locks, subprocesses.
//
// One mutex, one bounded first-in-first-out queue, threads made when work arrives and none is free.
// It shares nothing with the work-stealing pool, whose few threads must not block. Loops over it
// are in detail/io_loop.hpp.
#pragma once

#include <parallel/detail/io_loop.hpp>
#include <parallel/detail/loop_body.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/promised_call.hpp>
#include <parallel/detail/task.hpp>
#include <parallel/detail/task_queue.hpp>
#include <parallel/options.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
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

  /// Runs every task that is still queued, those that running tasks still submit too, and ends the
  /// threads. Destroying a pool from one of its own threads is a mistake that ends the program with
  /// a message, as the wait could never end.
  ~io_pool() {
    if (this_pool == this)
      detail::fatal("an io_pool was destroyed by one of its own threads, which would have to wait "
                    "for itself; let another thread own the pool");
    std::unique_lock lock(mutex_);
    at_rest_.wait(lock, [this] { return resting(); });
    stopping_ = true;
    while (wake_idle())
      ;
    lock.unlock();
    for (std::thread& thread : threads_)
      thread.join();
  }

  /// Runs f() on one of the pool's threads and returns a future of its result or exception.
  ///
  /// Blocks while the queue is full, except on the pool's own threads, whose tasks are queued
  /// beyond the limit: they could otherwise wait for each other. `f` is moved or copied in once,
  /// may be move-only, and is destroyed on the pool's thread right after its call. Throws
  /// std::system_error when the pool has no thread yet and none can be made, or std::bad_alloc; the
  /// task is then not queued. A task that waits for another one's future needs a free thread to run
  /// it: with max_threads such waits under way, nobody is left.
  template <class F>
  std::future<std::invoke_result_t<std::decay_t<F>&>> submit(F&& f) {
    detail::promised_call<std::decay_t<F>> call(std::forward<F>(f));
    auto result = call.get_future();
    detail::task run(std::move(call));
    std::unique_lock lock(mutex_);
    try {
      wait_for_room(lock);
      post(lock, {std::move(run), nullptr});
    } catch (...) {
      wake_blocked(); // the room stays for the next
      throw;
    }
    return result;
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
      detail::task run([&task] { task.run(); });
      std::unique_lock lock(pool.mutex_);
      pool.post(lock, {std::move(run), &task});
      return true;
    } catch (const std::exception&) {
      return false; // no memory or no thread
    }
  }

  /// Likewise: how many threads may run such tasks at once.
  friend std::size_t most_helpers(const io_pool& pool) noexcept { return pool.max_threads(); }

 private:
  /// A loop that runs to its end, or to an exception.
  void run_plain_loop(std::size_t n, const io_map_options& options, const detail::loop_body& body) {
    const std::size_t wished = options.in_flight != 0 ? options.in_flight : max_threads();
    const std::size_t helpers = std::min(std::min(wished, n) - (n != 0), max_threads());
    std::shared_ptr<detail::io_loop> loop;
    if (helpers != 0)
      loop = detail::io_loop::make(n, body);
    if (loop == nullptr)
      return body(0, n); // nobody to help, or no memory to let them: the plain loop
    recruit(helpers, loop);
    loop->participate();
    dismiss(*loop);
    if (std::exception_ptr error = loop->finish())
      std::rethrow_exception(std::move(error));
  }

  /// A thread that waits under mutex_, on its own stack: each has a condition variable to itself,
  /// so that no wake can go to the wrong one.
  struct sleeper {
    std::condition_variable woken;
    bool called = false;
  };

  struct queued_task {
    detail::task run;
    const void* helped; ///< what this is a helper for; null for a submitted task
  };

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

  /// Waits until the queue has room, behind those who wait already.
  void wait_for_room(std::unique_lock<std::mutex>& lock) {
    if (this_pool == this)
      return;
    bool waited = false;
    while (submitted_ >= options_.queue || (!waited && !blocked_.empty())) {
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
        std::unique_lock lock(mutex_);
        post(lock, {detail::task([loop] { loop->help(); }), loop.get()});
      }
    } catch (const std::exception&) {
      // no memory or no thread: fewer helpers
    }
  }

  /// Takes the helpers of a loop that has ended out of the queue, those that have not begun.
  void dismiss(const detail::io_loop& loop) {
    const std::lock_guard lock(mutex_);
    std::erase_if(queue_, [&](const queued_task& queued) { return queued.helped == &loop; });
    notify_if_resting();
  }

  /// Queues a task and sees to it that a thread will come for it.
  void post(std::unique_lock<std::mutex>& lock, queued_task task) {
    // The first thread is made before the task is queued, and under the mutex: if there can be
    // none, nothing has happened. It never ends before the pool, so a task once queued will be run.
    const bool first = total_ == 0;
    if (first) {
      threads_.emplace_back([this] { work(1); });
      total_ = 1;
    }
    const bool submitted = task.helped == nullptr;
    queue_.push_back(std::move(task));
    submitted_ += submitted ? 1 : 0;
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

  /// Runs tasks until the queue is empty; holds the mutex only in between.
  void run_queued(std::unique_lock<std::mutex>& lock) noexcept {
    while (!queue_.empty()) {
      queued_task task = std::move(queue_.front());
      queue_.pop_front();
      if (task.helped == nullptr) {
        --submitted_;
        wake_blocked();
      }
      ++running_;
      lock.unlock();
      task.run(); // throws nothing: exceptions go into a future or a loop
      task.run = {};
      lock.lock();
      --running_;
    }
    notify_if_resting();
  }

  void work(std::size_t number) noexcept {
    this_pool = this;
    detail::name_this_thread("parallel-io", number);
    std::unique_lock lock(mutex_);
    for (run_queued(lock); !stopping_; run_queued(lock)) {
      sleeper self;
      idle_.push_back(&self);
      self.woken.wait(lock, [&] { return self.called; });
    }
  }

  /// Nothing to run and nobody who could submit more: only then may the threads end.
  [[nodiscard]] bool resting() const { return queue_.empty() && running_ == 0 && starting_ == 0; }

  void notify_if_resting() {
    if (resting())
      at_rest_.notify_one();
  }

  const io_options options_;
  std::mutex mutex_; // guards everything below
  std::deque<queued_task> queue_;
  std::size_t submitted_ = 0;    // of the queued tasks, those that are no helpers
  std::deque<sleeper*> blocked_; // submitters that wait for room in the queue
  std::vector<sleeper*> idle_;   // threads that wait for a task
  std::vector<std::thread> threads_;
  std::size_t total_ = 0;           // threads that run or are being made
  std::size_t starting_ = 0;        // threads being made
  std::size_t running_ = 0;         // tasks under way
  std::condition_variable at_rest_; // only the destructor waits on it
  bool stopping_ = false;
};

} // namespace parallel
