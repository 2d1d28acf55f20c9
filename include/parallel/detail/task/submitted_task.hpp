// A task with a future: what submit() queues on either pool, and the two ways in which get() waits
// for its result.
//
// submitted_task holds the callable and the promise; the queue that it goes into is made of the
// lists in task/task_list.hpp. A get() first runs the waiting task's own tasks, then sleeps.
#pragma once

#include <parallel/detail/task/pending_wait.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/errors.hpp>

#include <chrono>
#include <exception>
#include <future>
#include <optional>
#include <type_traits>
#include <utility>

namespace parallel::detail {

/// The promise of an R. A call fulfils it with what it returns, or throws.
template <class R>
class task_promise {
 public:
  [[nodiscard]] std::future<R> get_future() { return promise_.get_future(); }

  template <class Call>
  void fulfil(Call&& call) noexcept {
    try {
      if constexpr (std::is_void_v<R>) {
        call();
        promise_.set_value();
      } else {
        promise_.set_value(call());
      }
    } catch (...) {
      promise_.set_exception(std::current_exception());
    }
  }

 private:
  std::promise<R> promise_;
};

/// For results whose own move may throw. With std::promise, libstdc++'s set_value() would then
/// leave a std::call_once with an exception; on some systems, and under ThreadSanitizer, every
/// later call on the same flag blocks after that (GCC bug 66146). A std::packaged_task catches the
/// exception inside. Other results cannot use this: Clang cannot instantiate libstdc++'s
/// packaged_task for programs that import the library as a module.
template <class R>
requires(std::is_object_v<R> && !std::is_nothrow_move_constructible_v<R>) class task_promise<R> {
 public:
  [[nodiscard]] std::future<R> get_future() { return task_.get_future(); }

  template <class Call>
  void fulfil(Call&& call) noexcept {
    task_(
        [](void* erased) -> R { return (*static_cast<std::remove_reference_t<Call>*>(erased))(); },
        &call);
  }

 private:
  std::packaged_task<R(R (*)(void*), void*)> task_{
      [](R (*call)(void*), void* erased) { return call(erased); }};
};

/// A callable and the promise of its result.
template <class F>
class submitted_task final : public queued_task {
 public:
  using result = std::invoke_result_t<F&>;

  template <class G>
  explicit submitted_task(G&& f) : f_(std::in_place, std::forward<G>(f)) {}

  /// Call it once, before the task is queued.
  [[nodiscard]] std::future<result> get_future() {
    std::future<result> made = promise_.get_future();
    set_shared_state(future_state(made));
    return made;
  }

  /// Calls f, destroys it, and then fulfils the promise: when the future is ready, f is gone.
  void run() noexcept override {
    promise_.fulfil([this]() -> result {
      struct at_end {
        ~at_end() { f.reset(); }
        std::optional<F>& f;
      } const destroy{f_};
      return (*f_)();
    });
    delete this;
  }

  void discard() noexcept override {
    f_.reset();
    promise_.fulfil([]() -> result { throw shut_down(); });
    delete this;
  }

 private:
  task_promise<result> promise_;
  std::optional<F> f_;
};

/// What get() of a pool returns for a future: a copy where the future returns a const reference (a
/// std::shared_future does), because get() destroys its future, which may be the last owner.
template <class Future, class Got = decltype(std::declval<Future&>().get())>
using result_of =
    std::conditional_t<std::is_reference_v<Got> && std::is_const_v<std::remove_reference_t<Got>>,
                       std::remove_cvref_t<Got>, Got>;

/// A deferred future counts as ready: its get() runs it.
template <class Future>
bool is_ready(const Future& future) {
  return future.wait_for(std::chrono::seconds(0)) != std::future_status::timeout;
}

/// A thread's wait for a future.
template <class Future>
class future_wait final : public pending_wait {
 public:
  explicit future_wait(const Future& future) noexcept : future_(future) {}

  [[nodiscard]] bool is_over() const noexcept override { return is_ready(future_); }
  [[nodiscard]] bool depends_on(const unfinished_tasks& tasks) const noexcept override {
    return tasks.include(future_state(future_));
  }

 private:
  const Future& future_;
};

/// Blocks until the future is ready. Throws what the executor throws if the wait would never end.
template <class E, class Future>
void wait_for(E& executor, const Future& future) {
  future_wait<Future> self(future);
  const tracked_wait<E> tracked(executor, self);
  // A deadlock may come about during the wait, so the executor checks for one between slices. One
  // check in the longest slice costs next to nothing.
  constexpr std::chrono::milliseconds longest(640);
  for (std::chrono::milliseconds slice(10); !is_ready(future);) {
    tracked.check();
    future.wait_for(slice);
    slice = slice < longest ? 2 * slice : longest;
  }
}

/// Runs tasks that the calling task has submitted and no thread has begun, until the future is
/// ready or none of them is left.
template <class E, class Future>
void run_own_tasks_until_ready(E& executor, Future& future) {
  while (!is_ready(future) && run_own_task(executor))
    ;
}

} // namespace parallel::detail
