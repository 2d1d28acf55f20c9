// The pool as a whole (scheduler/scheduler.hpp, scheduler/workers.hpp, scheduler/task_queue.hpp):
// loops end, tasks run once, and the pool ends, however its workers start, sleep and wake, and if
// some cannot be started.
#include "relacy.hpp"

#include <parallel/detail/loop/run_loop.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/scheduler/scheduler.hpp>

#include <cstddef>

using parallel::detail::loop_body;
using parallel::detail::queued_task;
using parallel::detail::scheduler;

namespace {

/// Base: a pool of `Threads` threads, made before the model's threads begin and destroyed by the
/// last of them that leaves.
template <class Model, std::size_t Callers, std::size_t Threads>
struct with_pool : model::test<Model, Callers, Threads> {
  void before() {
    // The number is named, or each schedule would read the system's control groups.
    const parallel::thread_pool_options options{.threads = Threads};
    pool = new scheduler(options, parallel::detail::make_loop);
  }
  void after() { model::require(pool == nullptr, "the pool is still there"); }

  /// The last thing that each of the model's threads does.
  void leave() {
    if (left.fetch_add(1) + 1 == static_cast<int>(Callers)) {
      delete pool;
      pool = nullptr;
    }
  }

  void share(const loop_body& body, std::size_t n) {
    parallel::detail::share(*pool, body, 0, n, 1, nullptr);
  }

  /// A loop of `Grains` grains of one element, each of which has to run once.
  template <std::size_t Grains>
  void share_and_check(parallel::detail::cost_model* known) {
    rl::var<int> runs[Grains];
    for (rl::var<int>& each : runs)
      each($) = 0;
    const auto body = [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        runs[i]($) = runs[i]($) + 1;
    };
    parallel::detail::share(*pool, loop_body(body), 0, Grains, 1, known);
    for (rl::var<int>& each : runs)
      model::require(each($) == 1, "a grain did not run once when its loop had ended");
  }

  scheduler* pool = nullptr;
  parallel::detail::atomic<int> left{0};
};

/// Each of the callers runs loops, one after another.
template <std::size_t Callers, std::size_t Threads, std::size_t Loops, std::size_t Grains>
struct loops : with_pool<loops<Callers, Threads, Loops, Grains>, Callers, Threads> {
  void thread(unsigned) {
    for (std::size_t round = 0; round < Loops; ++round)
      this->template share_and_check<Grains>(nullptr);
    this->leave();
  }
};

/// Loops whose elements are more expensive, at times, than their cost model knows: chunks of
/// several grains, thieves that leave the last ones to their owners, slots that are added midway.
template <std::size_t Callers, std::size_t Threads, std::size_t Grains>
struct loops_that_grow : with_pool<loops_that_grow<Callers, Threads, Grains>, Callers, Threads> {
  void thread(unsigned) {
    for (int round = 0; round < 2; ++round) {
      parallel::detail::cost_model cheap(150);
      this->template share_and_check<Grains>(&cheap);
    }
    this->leave();
  }
};

/// Loops whose elements wait for each other: a worker comes each time, asleep or about to sleep.
template <std::size_t Threads>
struct loops_that_meet : with_pool<loops_that_meet<Threads>, 1, Threads> {
  void thread(unsigned) {
    for (int round = 0; round < 3; ++round) {
      parallel::detail::atomic<std::size_t> inside{0};
      const auto body = [&](std::size_t, std::size_t) {
        inside.fetch_add(1);
        while (inside.load() < Threads)
          parallel::detail::yield();
      };
      this->share(loop_body(body), Threads);
    }
    this->leave();
  }
};

/// A loop within each element of a loop.
struct nested_loops : with_pool<nested_loops, 1, 2> {
  void thread(unsigned) {
    rl::var<int> runs[2][2];
    for (auto& row : runs)
      for (rl::var<int>& each : row)
        each($) = 0;
    const auto outer = [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        const auto inner = [&](std::size_t from, std::size_t to) {
          for (std::size_t j = from; j < to; ++j)
            runs[i][j]($) = runs[i][j]($) + 1;
        };
        share(loop_body(inner), 2);
      }
    };
    share(loop_body(outer), 2);
    for (auto& row : runs)
      for (rl::var<int>& each : row)
        model::require(each($) == 1, "a grain did not run once when its loop had ended");
    leave();
  }
};

/// Tasks are queued, and the pool is shut down: each task that is queued runs, once.
template <std::size_t Threads, int Tasks>
struct tasks : with_pool<tasks<Threads, Tasks>, 1, Threads> {
  struct task final : queued_task {
    explicit task(tasks& of) : model(of) {}
    void run() noexcept override {
      model.runs[number]($) = model.runs[number]($) + 1;
      delete this;
    }
    void discard() noexcept override { delete this; }
    tasks& model;
    int number = 0;
  };

  void thread(unsigned) {
    for (rl::var<int>& each : runs)
      each($) = 0;
    bool queued[Tasks] = {};
    for (int i = 0; i < Tasks; ++i) {
      auto* const next = new task(*this);
      next->number = i;
      queued[i] = this->pool->post(*next) == scheduler::posted::queued;
      if (!queued[i]) {
        model::require(model::threads_fail_one_in != 0, "a task is refused");
        delete next;
      }
    }
    this->leave();
    for (int i = 0; i < Tasks; ++i)
      model::require(runs[i]($) == (queued[i] ? 1 : 0), "a task was not run once");
  }

  rl::var<int> runs[Tasks];
};

/// The pool is shut down while another thread queues tasks: each runs, or is refused.
struct tasks_and_shutdown : with_pool<tasks_and_shutdown, 2, 1> {
  struct task final : queued_task {
    explicit task(int& by) : ran(by) {}
    void run() noexcept override {
      ++ran;
      delete this;
    }
    void discard() noexcept override { delete this; }
    int& ran;
  };

  void thread(unsigned number) {
    if (number == 0) {
      pool->shutdown();
    } else {
      for (int i = 0; i < 2; ++i) {
        auto* const next = new task(ran);
        if (pool->post(*next) == scheduler::posted::queued)
          ++queued;
        else
          delete next;
      }
    }
    leave();
  }
  void after() {
    with_pool::after();
    model::require(ran == queued, "a task was lost");
  }

  int ran = 0;
  int queued = 0;
};

/// A thread adds a listener as a task ends, and then checks whether it has ended: either it sees
/// that, or the listener is told.
struct listened_task : with_pool<listened_task, 1, 1> {
  struct task final : queued_task {
    explicit task(parallel::detail::atomic<int>& of) : ready(of) {}
    void run() noexcept override {
      ready.store(1,
                  parallel::detail::memory_order_relaxed); // relaxed: ordered by ended() and add()
      delete this;
    }
    void discard() noexcept override { delete this; }
    parallel::detail::atomic<int>& ready;
  };
  struct listener final : parallel::detail::task_listener {
    void tasks_ended() noexcept override { told.store(1, parallel::detail::memory_order_relaxed); }
    parallel::detail::atomic<int> told{0};
  };

  void thread(unsigned) {
    listener here;
    // First until the worker is there: in Relacy, a thread that has waited for another one's start
    // sees no old values of what that has written.
    post();
    while (ready.load(parallel::detail::memory_order_relaxed) == 0)
      parallel::detail::yield();
    ready.store(0, parallel::detail::memory_order_relaxed);
    post();
    pool->add(here);
    if (ready.load(parallel::detail::memory_order_relaxed) == 0)
      while (here.told.load(parallel::detail::memory_order_relaxed) == 0)
        parallel::detail::yield();
    pool->remove(here);
    leave();
  }
  void post() {
    model::require(pool->post(*new task(ready)) == scheduler::posted::queued, "a task is refused");
  }

  parallel::detail::atomic<int> ready{0};
};

/// A job is offered to workers that are awake, and then, while its slot is still free, to sleeping
/// ones too: a worker comes, asleep or about to sleep.
struct job_opened_further : model::test<job_opened_further, 1, 2> {
  struct empty_job final : parallel::detail::job {
    using parallel::detail::job::job;
    void help(std::uint32_t, parallel::detail::loop_counts&) noexcept override {}
  };

  void thread(unsigned) {
    const parallel::thread_pool_options options{.threads = 2};
    scheduler pool(options, [](std::size_t participants) -> parallel::detail::job* {
      return new empty_job(participants);
    });
    for (int round = 0; round < 3; ++round) {
      parallel::detail::job& work = pool.acquire_job();
      pool.open(work, 1, 0);
      pool.open_further(work, 0);
      while (work.joined() == 0)
        parallel::detail::yield();
      model::require(work.wakes(), "a job that was opened further wakes nobody");
      pool.close(work);
      parallel::detail::job_list::release(work);
    }
  }
};

} // namespace

int main() {
  bool all = true;
  const model::limits some{.random = 100'000, .longest = 20'000};
  for (const unsigned failing : {0U, 3U}) {
    model::threads_fail_one_in = failing;
    std::printf(failing == 0 ? "All threads can be started:\n"
                             : "Some threads cannot be started:\n");
    all &= model::passes<loops<1, 2, 1, 2>>("a caller and a worker, one loop", some);
    all &= model::passes<loops<1, 2, 3, 2>>("a caller and a worker, three loops", some);
    all &= model::passes<loops<1, 3, 2, 3>>("a caller and two workers, two loops", some);
    all &= model::passes<loops<2, 2, 1, 2>>("two callers and a worker", some);
    all &= model::passes<loops_that_grow<1, 3, 6>>("a caller, a worker, and another midway", some);
    all &=
        model::passes<loops_that_grow<2, 3, 4>>("two callers, a worker, and another midway", some);
    all &= model::passes<nested_loops>("a loop within a loop", some);
    all &= model::passes<tasks<1, 2>>("one worker, two tasks", some);
    all &= model::passes<tasks<2, 3>>("two workers, three tasks", some);
    all &= model::passes<tasks_and_shutdown>("tasks while the pool is shut down", some);
  }
  model::threads_fail_one_in = 0;
  all &= model::passes<loops_that_meet<2>>("a worker comes to each of three loops", some);
  all &= model::passes<loops_that_meet<3>>("two workers come to each of three loops", some);
  all &= model::passes<listened_task>("a listener, as a task ends", some);
  all &= model::passes<job_opened_further>(
      "a worker comes to a job that is opened further while its slot is free", some);
  return all ? 0 : 1;
}
