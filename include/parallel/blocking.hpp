// blocking: a call that blocks, within work that computes.
//
// While it does, another worker of the thread_pool stands in (detail/scheduler/compensation.hpp).
// For work that does little else than block there is io_pool.hpp.
#pragma once

#include <parallel/detail/loop/loop.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/scheduler/scheduler.hpp>

#include <utility>

namespace parallel {

/// Calls f() and returns what it returns. Within a task of a thread_pool, or an element of a map
/// that its threads share, another worker may meanwhile take the calling thread's place, so that
/// the pool goes on with as many threads as it has: parallel::blocking([&] { return read(fd); }).
/// What the blocked thread has already claimed waits for it: give such a map {.grain = 1}.
///
/// f should wait (for a file, a lock, a subprocess) and not compute, map, or get(), which does the
/// same by itself. A pool has up to 64 stand-ins, as many as calls have been blocked at once,
/// started by these, and kept; with more calls blocked than that, or where no thread is to be had,
/// it has fewer threads to go on with. When f returns, some stand-in ends the claim or task that it
/// is at, and stops. Exceptions of f pass through. Nested calls for the same pool, and calls
/// anywhere else (in a task of an io_pool, which makes threads as it needs them, or outside of any
/// pool), just call f. That includes elements of a map that runs as a plain loop, as small ones do:
/// as ever, elements must not wait for each other.
///
/// Cost: some tens of nanoseconds while a stand-in is awake; else a look at what every worker has
/// to do, and, if there is anything, a wake (about ten microseconds). A call that starts a stand-in
/// waits until it has started (some tens of microseconds).
template <class F>
decltype(auto) blocking(F&& f) {
  const detail::trace_span span("blocked");
  const detail::scheduler::blocked<detail::loop> here;
  return std::forward<F>(f)();
}

} // namespace parallel
