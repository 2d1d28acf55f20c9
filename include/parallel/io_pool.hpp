// A pool for tasks that block: downloads, files, locks, subprocesses.
//
// One mutex, one bounded first-in-first-out queue, threads made when work arrives and none is free.
// It shares nothing with the work-stealing pool, whose few threads must not block. Loops over it
// are in detail/io_loop.hpp.
#pragma once

#include <parallel/detail/io_loop.hpp>
#include <parallel/detail/platform.hpp>
#include <parallel/detail/task.hpp>
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
    if (options.max_threads == 0 || options.max_threads > most_threads)
      throw std::invalid_argument("parallel::io_pool: max_threads is " +
                                  std::to_string(options.max_threads) + ", must be from 1 to " +
                                  std::to_string(most_threads));
    if (options.queue == 0)
      throw std::invalid_argument("parallel::io_pool: queue is 0, must be at least 1");
    threads_.reserve(options.max_threads); // so that growing the pool and falling idle cannot fail
    idle_.reserve(options.max_threads);
  }

  io_pool(const io_pool&) = delete;
  io_pool& operator=(const io_pool&) = delete;

  /// Runs every task that is still queued, waits for all that run, and ends the threads. Destroying
  /// a pool from one of its own threads is a mistake that ends the program with a message, as the
  /// wait could never end.
  ~io_pool() {
    if (this_pool == this)
      detail::fatal("an io_pool was destroyed by one of its own threads, which would have to wait "
                    "for itself; let another thread own the pool");
    std::unique_lock lock(mutex_);
    stopping_ = true;
    while (wake_idle())
      ;
    for (;;) { // tasks that still run may submit more, and so start threads
      started_.wait(lock, [this] { return starting_ == 0; });
      if (threads_.empty())
        return;
      std::thread thread = std::move(threads_.back());
      threads_.pop_back();
      lock.unlock();
      thread.join();
      lock.lock();
    }
  }

  /// Runs f() on one of the pool's threads and returns a future of its result or exception.
  ///
  /// Blocks while the queue is full, except on the pool's own threads, whose tasks are queued
  /// beyond the limit: they could otherwise wait for each other. `f` is moved or copied in once,
  /// may be move-only, and is destroyed after its call. Throws std::system_error when the pool has
  /// no thread and none can be made; the task is then not queued. A task that waits for another
  /// one's future needs a free thread to run it: with max_threads such waits under way, nobody is
  /// left.
  template <class F>
  std::future<std::invoke_result_t<std::decay_t<F>&>> submit(F&& f) {
    std::packaged_task<std::invoke_result_t<std::decay_t<F>&>()> work(std::forward<F>(f));
    auto result = work.get_future();
    detail::task queued(std::move(work));
    std::unique_lock lock(mutex_);
    while (queue_.size() >= options_.queue && this_pool != this)
      sleep_in(blocked_, lock);
    post(lock, std::move(queued));
    return result;
  }

  /// The most threads that the pool grows to.
  [[nodiscard]] std::size_t max_threads() const noexcept { return options_.max_threads; }

  /// What an executor provides to algorithms; see the concept `executor`. The calling thread runs
  /// elements too, so the loop ends even if no thread of the pool is ever free.
  template <class Body>
  friend void run_loop(io_pool& pool, std::size_t n, const io_map_options& options,
                       const Body& body) {
    const std::size_t wished = options.in_flight != 0 ? options.in_flight : pool.max_threads();
    const std::size_t helpers = std::min(std::min(wished, n) - (n != 0), pool.max_threads());
    if (helpers == 0)
      return body(0, n);
    const auto loop =
        std::make_shared<detail::io_loop>(n, &body, [](const void* erased, std::size_t i) {
          (*static_cast<const Body*>(erased))(i, i + 1);
        });
    pool.recruit(helpers, loop);
    loop->participate();
    if (std::exception_ptr error = loop->finish())
      std::rethrow_exception(std::move(error));
  }

 private:
  static constexpr std::size_t most_threads = 65'536;

  /// A thread that waits under mutex_, on its own stack: each has a condition variable to itself,
  /// so that no wake can go to the wrong one.
  struct sleeper {
    std::condition_variable woken;
    bool called = false;
  };

  struct queued_task {
    std::uint64_t ticket;
    detail::task run;
  };

  static inline constinit thread_local io_pool* this_pool = nullptr;

  template <class List>
  static void sleep_in(List& list, std::unique_lock<std::mutex>& lock) {
    sleeper self;
    list.push_back(&self);
    self.woken.wait(lock, [&] { return self.called; });
  }

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

  /// Wakes the submitter that has waited longest for room in the queue.
  void wake_blocked() noexcept {
    if (blocked_.empty())
      return;
    wake(*blocked_.front());
    blocked_.pop_front();
  }

  /// Queues helpers for a loop, as many as the queue has room for and threads can be had: the loop
  /// does not depend on them.
  void recruit(std::size_t helpers, const std::shared_ptr<detail::io_loop>& loop) {
    for (; helpers != 0; --helpers) {
      try {
        detail::task help([loop] { loop->help(); });
        std::unique_lock lock(mutex_);
        if (queue_.size() >= options_.queue)
          return;
        post(lock, std::move(help));
      } catch (const std::exception&) {
        return; // no memory or no thread
      }
    }
  }

  /// Queues a task and sees to it that a thread will come for it.
  void post(std::unique_lock<std::mutex>& lock, detail::task task) {
    const std::uint64_t ticket = ++tickets_;
    queue_.push_back({ticket, std::move(task)});
    if (!wake_idle() && total_ < options_.max_threads)
      start_thread(lock, ticket);
  }

  /// Makes a thread, without holding the mutex meanwhile, for the task of this ticket. If none can
  /// be made the others will run it; if there are no others, it is taken back and the reason
  /// thrown.
  void start_thread(std::unique_lock<std::mutex>& lock, std::uint64_t ticket) {
    const std::size_t number = ++total_;
    ++starting_;
    std::exception_ptr failure;
    std::thread thread;
    lock.unlock();
    try {
      thread = std::thread([this, number] { work(number); });
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    bool unqueued = false;
    if (!failure) {
      threads_.push_back(std::move(thread));
    } else if (--total_ == 0) {
      // Tasks that others have queued meanwhile relied on this thread: they run here.
      unqueued =
          std::erase_if(queue_, [&](const queued_task& q) { return q.ticket == ticket; }) != 0;
      run_queued(lock);
    }
    if (--starting_ == 0)
      started_.notify_one();
    if (unqueued)
      std::rethrow_exception(failure);
  }

  /// Runs tasks until the queue is empty; holds the mutex only in between.
  void run_queued(std::unique_lock<std::mutex>& lock) {
    while (!queue_.empty()) {
      detail::task task = std::move(queue_.front().run);
      queue_.pop_front();
      wake_blocked();
      lock.unlock();
      task(); // throws nothing: a packaged_task keeps its exceptions, and so does a loop
      task = {};
      lock.lock();
    }
  }

  void work(std::size_t number) noexcept {
    this_pool = this;
    detail::name_this_thread("parallel-io", number);
    std::unique_lock lock(mutex_);
    for (run_queued(lock); !stopping_; run_queued(lock))
      sleep_in(idle_, lock);
  }

  const io_options options_;
  std::mutex mutex_; // guards everything below
  std::deque<queued_task> queue_;
  std::uint64_t tickets_ = 0;
  std::deque<sleeper*> blocked_; // submitters that wait for room in the queue
  std::vector<sleeper*> idle_;   // threads that wait for a task
  std::vector<std::thread> threads_;
  std::size_t total_ = 0;           // threads that run or are being made
  std::size_t starting_ = 0;        // threads being made
  std::condition_variable started_; // only the destructor waits on it
  bool stopping_ = false;
};

} // namespace parallel
