// thread_pool with tasks: adds the definitions of submit(), get() and shutdown() to the class,
// which pool.hpp declares and documents.
//
// The class is in pool.hpp, and not here, because these three members need <future>, which takes
// long to compile: map.hpp and the other algorithms include pool.hpp only. Include this header to
// make a pool and submit tasks to it.
#pragma once

#include <parallel/blocking.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/task/submitted_task.hpp>
#include <parallel/errors.hpp>
#include <parallel/pool.hpp>

#include <memory>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

namespace parallel {

template <class F>
auto thread_pool::submit(F&& f) {
  using detail::scheduler;
  detail::pin_this_module_unless(scheduler_.module());
  auto task = std::make_unique<detail::submitted_task<std::decay_t<F>>>(std::forward<F>(f));
  auto result = task->get_future();
  const scheduler::posted posted = scheduler_.post(*task);
  if (posted == scheduler::posted::shut_down)
    throw shut_down();
  if (posted == scheduler::posted::no_memory)
    throw std::bad_alloc();
  if (posted == scheduler::posted::no_worker)
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "parallel::thread_pool: the first worker could not be started");
  static_cast<void>(task.release()); // the queue owns it now
  return result;
}

template <class Future>
decltype(auto) thread_pool::get(Future future) {
  detail::run_own_tasks_until_ready(*this, future);
  if (!detail::is_ready(future))
    parallel::blocking([&] { future.wait(); });
  return static_cast<detail::result_of<Future>>(future.get());
}

inline void thread_pool::refuse_own_worker() const {
  if (scheduler_.depends_on_this_thread())
    throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                            "parallel::thread_pool: shutdown() by one of its own workers, which "
                            "would have to wait for itself");
}

inline void thread_pool::shutdown() {
  refuse_own_worker();
  scheduler_.shutdown();
}

inline void thread_pool::shutdown(discard_t) {
  refuse_own_worker();
  scheduler_.shutdown_and_discard();
}

} // namespace parallel
