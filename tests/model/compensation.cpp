// Compensating workers (scheduler/blocked_scope.hpp, scheduler/compensation.hpp,
// scheduler/workers.hpp): while a thread of the pool is blocked, another one runs what it could
// have run.
#include "relacy.hpp"

#include <parallel/detail/loop/run_loop.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/scheduler/blocked_scope.hpp>
#include <parallel/detail/scheduler/scheduler.hpp>

#include <cstddef>

using blocked_scope = parallel::detail::blocked_scope<parallel::detail::loop>;
using parallel::detail::loop_body;
using parallel::detail::queued_task;
using parallel::detail::scheduler;

namespace {

/// The only worker runs a task that is blocked until another task has run: a compensating worker
/// runs that one. It is queued right behind the first, or just as the first one blocks. All this
/// `Rounds` times.
template <bool JustThen, int Rounds>
struct blocked_task : model::test<blocked_task<JustThen, Rounds>, 1, 1 + Rounds> {
  struct task final : queued_task {
    task(blocked_task& of, int in, bool first) : model(of), round(in), is_first(first) {}
    void run() noexcept override {
      if (is_first) {
        model.begun.store(round,
                          parallel::detail::memory_order_relaxed); // relaxed: no more than a hint
        const blocked_scope scope;
        while (model.done.load(parallel::detail::memory_order_acquire) != round)
          parallel::detail::yield();
      } else {
        model::require(parallel::detail::module_reference::held > 0,
                       "the code of a compensating worker is not kept");
        model.done.store(round, parallel::detail::memory_order_release);
      }
      delete this;
    }
    void discard() noexcept override { delete this; }
    blocked_task& model;
    const int round;
    const bool is_first;
  };

  void before() { parallel::detail::module_reference::held = 0; }
  void thread(unsigned) {
    const parallel::thread_pool_options options{.threads = 1};
    auto* const pool = new scheduler(options, parallel::detail::make_loop);
    for (int round = 1; round <= Rounds; ++round) {
      for (const bool first : {true, false}) {
        while (JustThen && !first && begun.load(parallel::detail::memory_order_relaxed) != round)
          parallel::detail::yield();
        auto* const next = new task(*this, round, first);
        model::require(pool->post(*next) == scheduler::posted::queued, "a task is refused");
      }
      // Else the next round's tasks, or the end of the pool, might bring the worker.
      while (JustThen && done.load(parallel::detail::memory_order_acquire) != round)
        parallel::detail::yield();
    }
    delete pool;
    model::require(done.load() == Rounds, "the second task was not run");
    model::require(parallel::detail::module_reference::held == 0, "code is kept without a thread");
  }

  parallel::detail::atomic<int> begun{0};
  parallel::detail::atomic<int> done{0};
};

/// In a loop of four elements the caller and the worker are each blocked by the element with which
/// they begin, until the other two have run: compensating workers come to the loop.
struct blocked_elements : model::test<blocked_elements, 1, 3> {
  void thread(unsigned) {
    const parallel::thread_pool_options options{.threads = 2};
    auto* const pool = new scheduler(options, parallel::detail::make_loop);
    rl::var<int> runs[4];
    for (rl::var<int>& each : runs)
      each($) = 0;
    parallel::detail::atomic<int> done{0};
    const auto body = [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        runs[i]($) = runs[i]($) + 1;
        if (i == 1 || i == 2) {
          done.fetch_add(1);
        } else {
          const blocked_scope scope;
          while (done.load() != 2)
            parallel::detail::yield();
        }
      }
    };
    parallel::detail::share(*pool, loop_body(body), 0, 4, 1, nullptr);
    for (rl::var<int>& each : runs)
      model::require(each($) == 1, "an element was not run once when its loop had ended");
    delete pool;
  }
};

} // namespace

int main() {
  bool all = true;
  const model::limits some{.random = 300'000, .longest = 20'000};
  all &= model::passes<blocked_task<false, 1>>("a compensating worker runs a task", some);
  all &= model::passes<blocked_task<true, 1>>("its task is queued just as the worker blocks", some);
  all &= model::passes<blocked_task<true, 2>>("that, twice", some);
  all &= model::passes<blocked_elements>("compensating workers join a loop", some);
  return all ? 0 : 1;
}
