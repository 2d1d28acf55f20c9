// What the threads of a pool have done so far: calls, blocks, steals, sleeps, and how busy they
// were.
//
// It is counted always, by each thread for itself (detail/observe/counter.hpp,
// detail/observe/stopwatch.hpp), and only added up here. What happened when, rather than how often,
// is in a trace (detail/observe/trace.hpp).
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
  /// The number in its name, as a thread_hook is given it.
  std::size_t number = 0;

  /// Chunks of loops that it has run: consecutive elements that it took at once.
  std::uint64_t chunks = 0;

  /// The name that `chunks` had in version 1.0; the same number.
  std::uint64_t blocks = 0;

  /// How often it has taken blocks from another thread's share; half of that, as a rule.
  std::uint64_t steals = 0;

  /// How often it went to sleep.
  std::uint64_t parks = 0;

  /// How often it has woken up. Each time it ends a sleep: `parks` is the same or, while it sleeps
  /// or is about to, one more.
  std::uint64_t wakes = 0;

  /// How long it had work, nested calls and the waits in them included.
  std::chrono::nanoseconds busy{0};

  /// The rest of its life: asleep, or looking around.
  std::chrono::nanoseconds idle{0};
};

/// What a thread_pool has done since it was made.
struct thread_pool_stats {
  /// Calls that were shared: offered to the workers. Calls that are too small for that run on their
  /// caller, as the plain loop, and leave no mark here. (For a result of more than 1 MiB in fresh
  /// memory there is a second one, which has its pages made.)
  std::uint64_t calls = 0;

  /// Submitted tasks that have been begun.
  std::uint64_t tasks = 0;

  /// Chunks that workers and callers have run: callers take part in their calls.
  std::uint64_t chunks = 0;

  /// The name that `chunks` had in version 1.0; the same number.
  std::uint64_t blocks = 0;

  /// How often workers and callers have stolen.
  std::uint64_t steals = 0;

  /// How often workers went to sleep.
  std::uint64_t parks = 0;

  /// How often workers have woken up: never more often than they went to sleep.
  std::uint64_t wakes = 0;

  /// The workers that have been started so far, those that stand in for blocked ones included.
  std::vector<worker_stats> workers;
};

/// The name that thread_pool_stats had in version 1.0.
using pool_stats [[deprecated("parallel: pool_stats is called thread_pool_stats now")]] =
    thread_pool_stats;

/// What an io_pool is doing, and has done since it was made.
struct io_pool_stats {
  /// Calls of map and its family; not imap, which looks ahead element by element.
  std::uint64_t calls = 0;

  /// Submitted tasks that have been begun.
  std::uint64_t tasks = 0;

  /// Tasks under way right now, and threads that help a call.
  std::size_t running = 0;

  /// Tasks that wait for a thread right now, and helpers of calls.
  std::size_t queued = 0;

  /// Threads that there are right now; not one that is only being made.
  std::size_t threads = 0;

  /// The most threads that there were at once.
  std::size_t most_threads = 0;

  /// Threads that were ever made.
  std::uint64_t threads_made = 0;

  /// How often a thread went to sleep.
  std::uint64_t parks = 0;

  /// How often one that slept was called. (The others sleep, or have left after a long sleep.)
  std::uint64_t wakes = 0;
};

/// What the threads of `pool` have done so far.
///
/// Any thread may call it at any time, while calls are under way and after shutdown() too; nobody
/// waits for it but who starts a worker. Each number is exact, but they are read one after another,
/// so those of a busy pool are of slightly different moments. Takes some nanoseconds for each
/// worker and call; the counting itself is always on, and adds about a nanosecond to a block.
/// Throws std::bad_alloc.
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
    const std::uint64_t busy = each.busy.ns(); // before the whole, of which it is a part
    const std::uint64_t alive = each.alive.ns();
    worker_stats one;
    one.number = each.number;
    one.chunks = each.loops.chunks.get();
    one.blocks = one.chunks;
    one.steals = each.loops.steals.get();
    one.wakes = each.wakes.get(); // before the sleeps, of which each ends one
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

/// Likewise, of the pool of calls that name none.
[[nodiscard]] inline thread_pool_stats stats() {
  return stats(default_pool());
}

/// What the threads of `pool` are doing, and have done so far: all of one moment.
///
/// Any thread may call it at any time, after shutdown() too. It takes the pool's mutex for a
/// moment.
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
