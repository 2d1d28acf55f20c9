// One loop over an io_pool: the caller and its helpers each take the next index until none is left.
//
// Blocking calls differ too much in length to be dealt out in advance, and cost so much that one
// shared counter is free. The state is shared with the helpers, because one that starts late
// outlives the loop.
#pragma once

#include <parallel/detail/io/loop_position.hpp>
#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/condition_variable.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/first_error.hpp>
#include <parallel/detail/task/pending_wait.hpp>
#include <parallel/detail/task/task_list.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace parallel::detail {

class io_loop {
 public:
  /// A loop that calls body(i, i + 1) for every i below n, until one call returns false (see
  /// run_range()); null if there is no memory for it. `body` must live until wait() has returned,
  /// or close() has returned true.
  template <class Body>
  static std::shared_ptr<io_loop> make(std::size_t n, const Body& body) noexcept {
    try {
      return std::make_shared<io_loop>(n, &body, [](const void* erased, std::size_t i) {
        return run_range(*static_cast<const Body*>(erased), i, i + 1);
      });
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  io_loop(std::size_t n, const void* body, bool (*call)(const void*, std::size_t)) noexcept
      : n_(n), body_(body), call_(call) {}

  /// A task that takes part in the loop, if the loop is still open when a thread runs it.
  class helper final : public queued_task {
   public:
    explicit helper(std::shared_ptr<io_loop> loop)
        : queued_task(loop.get()), loop_(std::move(loop)) {}
    void run() noexcept override {
      loop_->help();
      delete this;
    }
    void discard() noexcept override { delete this; }

   private:
    const std::shared_ptr<io_loop> loop_;
  };

  /// Takes part in the loop as a helper; does nothing after close().
  void help() noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (closed_)
        return;
      ++helpers_;
    }
    participate();
    const std::lock_guard lock(mutex_);
    if (--helpers_ == 0)
      no_helpers_.notify_one();
  }

  /// Runs elements until none is left to start, none below a failed one is, or the body has ended
  /// the loop. Indices are taken in order, so every lower one has been started by then.
  void participate() noexcept {
    for (;;) {
      const std::size_t i = next_.fetch_add(1, memory_order_relaxed); // relaxed: a ticket
      if (i >= n_ || error_.precedes(i))
        return;
      try {
        const trace_span span("element", {"index", i});
        const loop_position here(error_, i);
        if (!call_(body_, i))
          error_.end_all();
      } catch (...) {
        error_.record(i, std::current_exception());
      }
    }
  }

  /// Turns away helpers that have not started yet. True if no helper is running, so that the caller
  /// need not wait(). Only the caller of the loop calls this.
  [[nodiscard]] bool close() noexcept {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    return helpers_ == 0;
  }

  /// After close(): waits for the helpers that are running.
  void wait() noexcept {
    std::unique_lock lock(mutex_);
    no_helpers_.wait(lock, [this] { return helpers_ == 0; });
  }

  /// wait(), as the pool's deadlock detection sees it.
  class helpers_wait final : public pending_wait {
   public:
    explicit helpers_wait(io_loop& loop) noexcept : loop_(loop) {}
    [[nodiscard]] bool is_over() const noexcept override {
      const std::lock_guard lock(loop_.mutex_);
      return loop_.helpers_ == 0;
    }
    [[nodiscard]] bool depends_on(const unfinished_tasks&) const noexcept override { return true; }

   private:
    io_loop& loop_;
  };

  /// When no helper is left: the exception to rethrow, or null.
  [[nodiscard]] std::exception_ptr take_error() noexcept { return error_.take(); }

 private:
  const std::size_t n_;
  const void* const body_;
  bool (*const call_)(const void*, std::size_t);
  atomic<std::size_t> next_{0};
  first_error error_;
  mutex mutex_;
  condition_variable no_helpers_; // only the caller waits on it
  std::size_t helpers_ = 0;       // running ones; guarded by mutex_, as is closed_
  bool closed_ = false;
};

} // namespace parallel::detail
