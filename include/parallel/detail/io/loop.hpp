// One loop over an io_pool: the caller and its helpers each take the next index until none is left.
//
// Blocking calls differ too much in length to be dealt out in advance, and cost so much that one
// shared counter is free. Entered from io_pool.hpp; the state outlives a helper that starts late.
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
  /// run_range()); null if there is no memory for it.
  /// `body` need only live until finish() returns.
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

  /// A thread that helps when it comes, or finds that nothing is left to do.
  class helper final : public queued_task {
   public:
    explicit helper(std::shared_ptr<io_loop> with)
        : queued_task(with.get()), with_(std::move(with)) {}
    void run() noexcept override {
      with_->help();
      delete this;
    }
    void discard() noexcept override { delete this; }

   private:
    const std::shared_ptr<io_loop> with_;
  };

  /// A helper's share. It may be called after finish(), and then does nothing.
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
      none_left_.notify_one();
  }

  /// Runs elements until none is left to start: none at all, none below a failed one, or none as
  /// the body has ended the loop. Indices
  /// are taken in order, so every lower one has started by then.
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

  /// The caller's end of the loop: from now on helpers that have not begun are turned away. True if
  /// none has to be waited for.
  [[nodiscard]] bool close() noexcept {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    return helpers_ == 0;
  }

  /// Caller, after close(): waits for the helpers that have begun.
  void wait() noexcept {
    std::unique_lock lock(mutex_);
    none_left_.wait(lock, [this] { return helpers_ == 0; });
  }

  /// That wait, as the pool sees it.
  class helpers_wait final : public pending_wait {
   public:
    explicit helpers_wait(io_loop& of) noexcept : of_(of) {}
    [[nodiscard]] bool is_over() const noexcept override {
      const std::lock_guard lock(of_.mutex_);
      return of_.helpers_ == 0;
    }
    [[nodiscard]] bool depends_on(const unfinished_tasks&) const noexcept override { return true; }

   private:
    io_loop& of_;
  };

  /// Caller, when the helpers are gone: the exception to rethrow, if any.
  [[nodiscard]] std::exception_ptr take_error() noexcept { return error_.take(); }

 private:
  const std::size_t n_;
  const void* const body_;
  bool (*const call_)(const void*, std::size_t);
  atomic<std::size_t> next_{0};
  first_error error_;
  mutex mutex_;
  condition_variable none_left_; // only the caller waits on it
  std::size_t helpers_ = 0;      // guarded by mutex_, as is the next
  bool closed_ = false;
};

} // namespace parallel::detail
