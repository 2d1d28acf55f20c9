// run_loop: a call's way from its caller to the workers of a thread_pool, and back.
//
// A call that is too short to share runs on its caller (sequential_cutoff.hpp). Otherwise it
// becomes a `loop`: a job that the caller opens, takes part in, and closes. No exception leaves
// run_loop while another thread still runs the body.
#pragma once

#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/loop/cost_model.hpp>
#include <parallel/detail/loop/loop.hpp>
#include <parallel/detail/loop/participation.hpp>
#include <parallel/detail/loop/sequential_cutoff.hpp>
#include <parallel/detail/loop/tuning.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/scheduler/job_list.hpp>
#include <parallel/detail/scheduler/participant_scope.hpp>
#include <parallel/detail/scheduler/scheduler.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <utility>

namespace parallel::detail {

/// Null without memory for a job.
inline loop* acquire_loop(scheduler& pool) {
  try {
    return static_cast<loop*>(&pool.acquire_job());
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

/// What is decided before a call is shared.
struct sharing_plan {
  participation participants;
  double expected_ns;      // for one thread alone; 0 when unknown
  std::size_t max_threads; // that could take part
  bool measures_cost;      // of sharing
};

/// The sharing cost is measured only if no thread of the plan has to be woken first, and only where
/// it matters.
inline sharing_plan plan_sharing(const scheduler& pool, const cost_model* model,
                                 std::size_t elements, std::size_t grain) noexcept {
  std::size_t max_threads = pool.most_participants();
  if (const std::size_t grains = grains_in(elements, grain); grains < max_threads)
    max_threads = grains;
  const double expected_ns =
      model != nullptr ? model->estimate() * static_cast<double>(elements) : 0;
  const std::size_t awake = pool.awake();
  const participation participants =
      plan_participation(expected_ns, max_threads, awake, pool.wake_ns());
  const bool measures_cost = model != nullptr && participants.threads <= awake + 1 &&
                             expected_ns < tuning::max_comparison_ns;
  return {participants, expected_ns, max_threads, measures_cost};
}

/// Runs a prepared loop with the workers that come. When it returns, no other thread runs the body.
inline void run_with_workers(scheduler& pool, loop& work,
                             const participation& participants) noexcept {
  pool.open(work, participants.threads - 1, participants.wakes);
  participant_scope scope(pool, work);
  work.participate();
  pool.close(work);
}

/// After a call that woke no worker: `present` threads shared it where `useful` ones would have
/// been better. Wakes a worker for the next call when a series of such calls has lost enough.
inline void wake_for_next(scheduler& pool, cost_model& model, double total_ns, std::size_t present,
                          std::size_t useful) noexcept {
  if (present >= useful)
    return;
  const double took = total_ns / static_cast<double>(present);
  const double lost = took - total_ns / static_cast<double>(useful);
  if (model.should_wake<quick_clock>(took, lost, pool.wake_ns()))
    pool.wake_one();
}

/// Learns from a loop that is closed; `entered` is when its call began to share it. A loop that was
/// cut short has no useful measurement. Inlined, as that makes its one caller smaller.
[[gnu::always_inline]] inline void learn_from_shared_call(scheduler& pool, cost_model& model,
                                                          const loop& work,
                                                          const sharing_plan& plan,
                                                          std::uint64_t entered) noexcept {
  if (work.was_ended())
    return;
  if (plan.measures_cost && model.is_settled())
    model.learn_sharing_cost(quick_clock::ns_between(entered, quick_clock::now()), plan.expected_ns,
                             plan.participants.threads);
  if (work.wakes())
    return;
  // If no worker has come, the ones that are awake are busy elsewhere.
  const std::size_t present = work.joined() == 0 ? 1 : plan.participants.threads;
  const std::size_t useful =
      useful_threads(plan.expected_ns, plan.max_threads, plan.max_threads, 0);
  wake_for_next(pool, model, plan.expected_ns, present, useful);
}

/// Returns a closed loop to its pool and rethrows the exception that it has kept, if any.
inline void release_and_rethrow(loop& work) {
  std::exception_ptr error = work.take_error();
  job_list::release(work);
  if (error)
    std::rethrow_exception(std::move(error));
}

/// Runs [first, n) on the caller and the workers that come, in grains of `grain` elements; without
/// memory for a job, as the plain loop. Without a `model` nothing is measured.
PARALLEL_DETAIL_COMPACT inline void share(scheduler& pool, const loop_body& body, std::size_t first,
                                          std::size_t n, std::size_t grain, cost_model* model) {
  const std::uint64_t entered = model != nullptr ? quick_clock::now() : 0;
  loop* const work = acquire_loop(pool);
  if (work == nullptr) {
    body(first, n);
    return;
  }
  const sharing_plan plan = plan_sharing(pool, model, n - first, grain);
  work->prepare(body, first, n, grain, model, static_cast<std::uint32_t>(plan.participants.threads),
                &pool);
  run_with_workers(pool, *work, plan.participants);
  if (model != nullptr)
    learn_from_shared_call(pool, *model, *work, plan, entered);
  release_and_rethrow(*work);
}

/// What the sequential cutoff has to know of a pool's workers.
struct cutoff_workers {
  scheduler& pool;

  [[nodiscard]] double wake_ns() const noexcept { return pool.awake() != 0 ? 0 : pool.wake_ns(); }
  void forget_wake() const noexcept { pool.forget_wake(); }
};

/// Calls body(begin, end) for disjoint ranges that together cover [0, n), on the caller and the
/// pool's workers, and returns when all calls have ended. With a `grain`, a thread takes that many
/// elements at a time and `model` is not used. With 0, chunk sizes are measured, and `model`, which
/// is not null then, remembers what elements cost.
///
/// If calls throw, the exception of the lowest index is rethrown: ranges above it that have not
/// started are skipped, ranges below it always run. When the body returns false, everything that
/// has not started is skipped. To skip elements takes no time, however many there are.
inline void run_loop(scheduler& pool, cost_model* model, std::size_t n, std::size_t grain,
                     const loop_body& body) {
  const trace_span span("call", {"elements", n});
  if (pool.concurrency() == 1 || n < 2 || grain >= n) {
    body(0, n);
    return;
  }
  // Grain numbers have 32 bits, and so has the number behind the last grain.
  constexpr std::size_t max_grains = 0xFFFF'FFFE;
  const std::size_t min_grain = n / max_grains + 1;
  const std::size_t used_grain = grain > min_grain ? grain : min_grain;
  if (grain != 0)
    return share(pool, body, 0, n, used_grain, nullptr);
  const std::size_t done = run_below_cutoff<quick_clock>(*model, n, cutoff_workers{pool}, body);
  if (n - done >= 2)
    share(pool, body, done, n, used_grain, model);
  else if (done != n)
    body(done, n);
}

} // namespace parallel::detail
