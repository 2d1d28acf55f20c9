// The work-stealing pool for work that computes: its class, which is in detail/pool.hpp, and what
// single tasks need, submit() and get().
//
// Loops over a pool are in map.hpp, which does without this header.
#pragma once

#include <parallel/detail/pool.hpp>
#include <parallel/detail/promised_call.hpp>
#include <parallel/detail/task_queue.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

namespace parallel {

namespace detail {

/// A task with a future, in the queue.
template <class F>
class submitted_task final : public queued_task {
 public:
  template <class G>
  explicit submitted_task(G&& f) : call_(std::forward<G>(f)) {}

  [[nodiscard]] auto get_future() { return call_.get_future(); }

  void run() noexcept override {
    call_();
    delete this;
  }

 private:
  promised_call<F> call_;
};

} // namespace detail

template <class F>
auto thread_pool::submit(F&& f) {
  auto task = std::make_unique<detail::submitted_task<std::decay_t<F>>>(std::forward<F>(f));
  auto result = task->get_future();
  if (!scheduler_.post(*task))
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "parallel::thread_pool: the first worker could not be started");
  static_cast<void>(task.release()); // the queue's
  return result;
}

template <class Future>
decltype(auto) thread_pool::get(Future future) {
  // What nobody has begun is run here; what somebody has, goes on without this thread.
  while (future.wait_for(std::chrono::seconds(0)) == std::future_status::timeout &&
         scheduler_.run_own_task())
    ;
  return future.get();
}

} // namespace parallel
