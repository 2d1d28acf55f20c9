// A task with a future: what submit() queues, on either pool, and what get() does.
//
// Entered from thread_pool.hpp, io_pool.hpp and serial.hpp; the queue is task/task_list.hpp.
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

/// The promise of an R, kept by a call: with what it returns, or throws.
template <class R>
class task_promise {
 public:
  [[nodiscard]] std::future<R> get_future() { return promise_.get_future(); }

  template <class Call>
  void keep(Call&& call) noexcept {
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

/// Where the result's own move may throw. libstdc++'s set_value() would then leave a std::call_once
/// with an exception, after which some systems, and ThreadSanitizer, let nobody in again
/// (GCC bug 66146); a std::packaged_task catches it within. (For all others it is no choice: Clang
/// cannot make libstdc++'s for who imports the library as a module.)
template <class R>
requires(std::is_object_v<R> && !std::is_nothrow_move_constructible_v<R>) class task_promise<R> {
 public:
  [[nodiscard]] std::future<R> get_future() { return task_.get_future(); }

  template <class Call>
  void keep(Call&& call) noexcept {
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

  /// To be called once, before the task is queued.
  [[nodiscard]] std::future<result> get_future() {
    std::future<result> made = promise_.get_future();
    set_answer(future_state(made));
    return made;
  }

  /// Calls f, destroys it, and keeps the promise: who waits finds f gone.
  void run() noexcept override {
    promise_.keep([this]() -> result {
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
    promise_.keep([]() -> result { throw shut_down(); });
    delete this;
  }

 private:
  task_promise<result> promise_;
  std::optional<F> f_;
};

/// What get() of a pool returns: a value where the future's refers to what it may own alone.
template <class Future, class Got = decltype(std::declval<Future&>().get())>
using result_of =
    std::conditional_t<std::is_reference_v<Got> && std::is_const_v<std::remove_reference_t<Got>>,
                       std::remove_cvref_t<Got>, Got>;

template <class Future>
bool is_ready(const Future& future) {
  return future.wait_for(std::chrono::seconds(0)) != std::future_status::timeout;
}

/// A wait for a future.
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

/// Waits until the future is ready. Throws what the executor throws if that would never be.
template <class E, class Future>
void wait_for(E& executor, const Future& future) {
  future_wait<Future> self(future);
  const noted_wait<E> noted(executor, self);
  constexpr std::chrono::milliseconds longest(640); // a look in that time costs nothing
  for (std::chrono::milliseconds slice(10); !is_ready(future);) {
    noted.check();
    future.wait_for(slice);
    slice = slice < longest ? 2 * slice : longest;
  }
}

/// What nobody has begun of the caller's own tasks is run here, until the future is ready; what
/// somebody has, goes on without this thread.
template <class E, class Future>
void help_until_ready(E& executor, Future& future) {
  while (!is_ready(future) && run_own_task(executor))
    ;
}

} // namespace parallel::detail
