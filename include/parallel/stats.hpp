// What the threads of a pool have done so far: calls, chunks, steals, sleeps, and how busy they
// were.
//
// Each thread always counts for itself (detail/observe/counter.hpp, detail/observe/stopwatch.hpp);
// the numbers are only added up here. A trace (detail/observe/trace.hpp) shows when things
// happened.
#pragma once

#include <parallel/detail/observe/counter.hpp>
#include <parallel/detail/scheduler/job.hpp>
#include <parallel/detail/scheduler/worker.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/pool.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace parallel {

/// What one worker of a thread_pool has done since it was started.
struct worker_stats {
  /// The number in the worker's name, which a thread_hook gets too.
  std::size_t number = 0;

  /// How many chunks of loops it has run. A chunk is what a thread takes at once: consecutive
  /// elements.
  std::uint64_t chunks = 0;

  /// The name that `chunks` had in version 1.0; the same number.
  std::uint64_t blocks = 0;

  /// How often it has stolen elements from another thread's share, usually half of what was left.
  std::uint64_t steals = 0;

  /// How often it went to sleep.
  std::uint64_t parks = 0;

  /// How often it has woken up. `parks` is the same number or, while the worker sleeps or is about
  /// to, one more.
  std::uint64_t wakes = 0;

  /// How long it had work, including nested calls and the waits in them.
  std::chrono::nanoseconds busy{0};

  /// How long it had none: it slept, or searched for work.
  std::chrono::nanoseconds idle{0};
};

/// What a thread_pool has done since it was made.
struct thread_pool_stats {
  /// How many calls were shared: offered to the workers. Calls that are too small for that run on
  /// their caller and are not counted. (A result of more than 1 MiB in fresh memory counts as a
  /// second call, in which threads fault in its pages.)
  std::uint64_t calls = 0;

  /// How many submitted tasks have begun.
  std::uint64_t tasks = 0;

  /// How many chunks workers and callers have run. (Callers take part in their calls.)
  std::uint64_t chunks = 0;

  /// The name that `chunks` had in version 1.0; the same number.
  std::uint64_t blocks = 0;

  /// How often workers and callers have stolen.
  std::uint64_t steals = 0;

  /// How often workers went to sleep.
  std::uint64_t parks = 0;

  /// How often workers have woken up, which is at most `parks`.
  std::uint64_t wakes = 0;

  /// The workers that have been started so far, including compensating workers (see blocking()).
  std::vector<worker_stats> workers;
};

/// The name that thread_pool_stats had in version 1.0.
using pool_stats [[deprecated("parallel: pool_stats is called thread_pool_stats now")]] =
    thread_pool_stats;

/// What an io_pool is doing now, and has done since it was made.
struct io_pool_stats {
  /// How many calls of map and its family there were. Calls of imap are not counted: they compute
  /// ahead one element at a time.
  std::uint64_t calls = 0;

  /// How many submitted tasks have begun.
  std::uint64_t tasks = 0;

  /// How many tasks are running now; each thread that helps a call counts as one.
  std::size_t running = 0;

  /// How many tasks are waiting for a thread now; each helper that a call has queued counts as
  /// one.
  std::size_t queued = 0;

  /// How many threads exist now. A thread that is only being started is not counted.
  std::size_t threads = 0;

  /// The most threads that have existed at once.
  std::size_t most_threads = 0;

  /// How many threads have been started in all.
  std::uint64_t threads_made = 0;

  /// How often a thread went to sleep.
  std::uint64_t parks = 0;

  /// How often a sleeping thread was woken for work. (Others still sleep, or have ended after a
  /// long sleep.)
  std::uint64_t wakes = 0;
};

/// Returns what the threads of `pool` have done so far.
///
/// Thread-safe: any thread may call it at any time, also while calls are running and after
/// shutdown(). It delays no thread except one that starts a worker. Each number is exact, but they
/// are read one after another, so the numbers of a busy pool are of slightly different moments.
///
/// It takes some nanoseconds for each worker, and for as many calls as have been open at once. The
/// counting itself is always on and adds about a nanosecond to each chunk. Throws std::bad_alloc.
[[nodiscard]] inline thread_pool_stats stats(const thread_pool& pool) {
  thread_pool_stats all;
  const auto add_loops = [&](const detail::loop_counts& counts) {
    all.chunks += counts.chunks.get();
    all.steals += counts.steals.get();
  };
  pool.scheduler_.for_each_job([&](const detail::job& each) {
    all.calls += each.uses();
    add_loops(each.owner_counts());
  });
  pool.scheduler_.for_each_started_worker([&](const detail::worker& each) {
    const std::uint64_t busy = each.busy.ns(); // read before `alive`, of which it is a part
    const std::uint64_t alive = each.alive.ns();
    worker_stats one;
    one.number = each.number;
    one.chunks = each.loops.chunks.get();
    one.blocks = one.chunks;
    one.steals = each.loops.steals.get();
    one.wakes = each.wakes.get(); // read before `parks`, so that it is not the larger number
    one.parks = each.parks.get();
    one.busy = std::chrono::nanoseconds(busy);
    one.idle = std::chrono::nanoseconds(alive > busy ? alive - busy : 0);
    all.workers.push_back(one);
    all.parks += one.parks;
    all.wakes += one.wakes;
    add_loops(each.loops);
  });
  all.blocks = all.chunks;
  all.tasks = pool.scheduler_.tasks_begun();
  return all;
}

/// Returns what the threads of default_pool() have done so far: see stats(const thread_pool&).
[[nodiscard]] inline thread_pool_stats stats() {
  return stats(default_pool());
}

/// Returns what the threads of `pool` are doing and have done so far. All numbers are of one
/// moment.
///
/// Thread-safe: any thread may call it at any time, also after shutdown(). It locks the pool's
/// mutex for a moment.
[[nodiscard]] inline io_pool_stats stats(io_pool& pool) noexcept {
  const auto counted = pool.scheduler_.count();
  io_pool_stats all;
  all.calls = pool.calls_.load(detail::memory_order_relaxed);
  all.tasks = counted.tasks;
  all.running = counted.running;
  all.queued = counted.queued;
  all.threads = counted.threads;
  all.most_threads = counted.of_threads.most;
  all.threads_made = counted.of_threads.made;
  all.parks = counted.of_threads.parks;
  all.wakes = counted.of_threads.wakes;
  return all;
}

} // namespace parallel
