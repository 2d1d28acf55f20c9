// blocking: marks a call that blocks, within work that computes.
//
// Meanwhile a compensating worker runs in place of the blocked thread
// (detail/scheduler/blocked_scope.hpp). For work that does little else than block there is
// io_pool.hpp.
#pragma once

#include <parallel/detail/loop/loop.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/scheduler/blocked_scope.hpp>

#include <utility>

namespace parallel {

/// Calls f() and returns what it returns; meanwhile the pool of the calling thread may run another
/// worker in its place: parallel::blocking([&] { return read(fd); }).
///
/// It has this effect within a task of a thread_pool, and within an element of a map that the
/// pool's threads share: the pool goes on with as many threads as it has. Elements that the blocked
/// thread has already taken wait for it: give such a map {.grain = 1}. f should wait (for a file, a
/// lock, a subprocess) and not compute, map, or get(), which compensates by itself.
///
/// Compensating workers: a pool starts as many as calls have been blocked at once, up to 64, and
/// keeps them. With more calls blocked than that, or where no thread is to be had, the pool goes on
/// with fewer threads. When f returns, one of the compensating workers stops after the elements or
/// the task that it is running.
///
/// Exceptions of f pass through. Any thread may call it. Nested calls for the same pool just call
/// f, and so do calls in a task of an io_pool, which starts threads as it needs them, and calls
/// outside of any pool. Elements of a map that runs as a plain loop, as small ones do, count as
/// outside: elements must never wait for each other.
///
/// Cost: some tens of nanoseconds while a compensating worker is active. Otherwise the call checks
/// whether any worker has offered work, and if so, wakes a compensating worker (about ten
/// microseconds). A call that starts one waits until it has started (some tens of microseconds).
template <class F>
decltype(auto) blocking(F&& f) {
  const detail::trace_span span("blocked");
  const detail::blocked_scope<detail::loop> scope;
  return std::forward<F>(f)();
}

} // namespace parallel
