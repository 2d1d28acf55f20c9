// The whole io_pool below its public face (io/scheduler.hpp and what it is made of): each task runs
// once, tasks that block run at once, and the pool ends, however its threads start, sleep, are
// woken, leave, or cannot be created.
#include "relacy.hpp"

#include <parallel/detail/io/scheduler.hpp>
#include <parallel/detail/platform/thread.hpp>

#include <chrono>
#include <cstddef>
#include <system_error>

using parallel::detail::io_scheduler;
using parallel::detail::queued_task;

namespace {

struct setting {
  std::size_t threads;
  std::size_t queue;
  bool leave; // as soon as they are idle
};

/// `Posters` threads queue tasks, each of which notes that it has run. The last poster ends the
/// pool, before or after the tasks have run.
template <std::size_t Posters, int Tasks, setting With, std::size_t Made = With.threads>
struct posted_tasks : model::test<posted_tasks<Posters, Tasks, With, Made>, Posters, Made> {
  struct task final : queued_task {
    explicit task(rl::var<int>& counter) : ran(counter) {}
    void run() noexcept override {
      ran($) = ran($) + 1;
      delete this;
    }
    void discard() noexcept override { delete this; }
    rl::var<int>& ran;
  };

  void before() {
    for (auto& row : runs)
      for (rl::var<int>& each : row)
        each($) = 0;
    parallel::io_pool_options options;
    options.max_threads = With.threads;
    options.queue = With.queue;
    if (With.leave)
      options.idle_timeout = std::chrono::seconds(0);
    pool = new io_scheduler(options);
  }
  void thread(unsigned number) {
    for (int i = 0; i < Tasks; ++i) {
      auto* const next = new task(runs[number][i]);
      try {
        pool->post(*next);
        queued[number][i] = 1;
      } catch (const std::system_error&) {
        model::require(model::threads_fail_one_in != 0, "a task is refused");
        delete next;
      }
    }
    if (left.fetch_add(1) + 1 == static_cast<int>(Posters)) {
      delete pool;
      for (std::size_t poster = 0; poster < Posters; ++poster)
        for (int i = 0; i < Tasks; ++i)
          model::require(runs[poster][i]($) == queued[poster][i], "a task was not run once");
    }
  }

  io_scheduler* pool = nullptr;
  parallel::detail::atomic<int> left{0};
  rl::var<int> runs[Posters][Tasks];
  int queued[Posters][Tasks] = {};
};

/// Tasks that queue another one each, while the pool is shut down.
template <std::size_t Threads, int Tasks>
struct tasks_that_post : model::test<tasks_that_post<Threads, Tasks>, 1, Threads> {
  struct task final : queued_task {
    task(tasks_that_post& of, bool first) : model(of), posts(first) {}
    void run() noexcept override {
      if (posts)
        model.pool->post(*new task(model, false));
      ++model.runs;
      delete this;
    }
    void discard() noexcept override { delete this; }
    tasks_that_post& model;
    const bool posts;
  };

  void thread(unsigned) {
    parallel::io_pool_options options;
    options.max_threads = Threads;
    pool = new io_scheduler(options);
    for (int i = 0; i < Tasks; ++i)
      pool->post(*new task(*this, true));
    delete pool;
    model::require(runs == 2 * Tasks, "a task was not run once");
  }

  io_scheduler* pool = nullptr;
  int runs = 0; // Relacy does not watch it
};

/// As many tasks as there may be threads, each of which waits for all others to run.
template <std::size_t Threads>
struct tasks_that_meet : model::test<tasks_that_meet<Threads>, 1, Threads> {
  struct task final : queued_task {
    explicit task(tasks_that_meet& of) : model(of) {}
    void run() noexcept override {
      model.inside.fetch_add(1);
      while (model.inside.load() < static_cast<int>(Threads))
        parallel::detail::yield();
      delete this;
    }
    void discard() noexcept override { delete this; }
    tasks_that_meet& model;
  };

  void thread(unsigned) {
    parallel::io_pool_options options;
    options.max_threads = Threads;
    io_scheduler pool(options);
    for (std::size_t i = 0; i < Threads; ++i)
      pool.post(*new task(*this));
  }
  void after() {
    model::require(inside.load() == static_cast<int>(Threads), "a task was not run once");
  }

  parallel::detail::atomic<int> inside{0};
};

/// Quick tasks, and behind them as many as there may be threads, each of which waits for all others
/// of those: the leader takes some of them in a batch with one that blocks it.
template <std::size_t Threads, int Quick>
struct tasks_in_a_batch : model::test<tasks_in_a_batch<Threads, Quick>, 1, Threads> {
  struct task final : queued_task {
    task(tasks_in_a_batch& of, bool waits) : model(of), meets(waits) {}
    void run() noexcept override {
      if (meets) {
        model.inside.fetch_add(1);
        while (model.inside.load() < static_cast<int>(Threads))
          parallel::detail::yield();
      }
      model.runs.fetch_add(1);
      delete this;
    }
    void discard() noexcept override { delete this; }
    tasks_in_a_batch& model;
    const bool meets;
  };

  void thread(unsigned) {
    parallel::io_pool_options options;
    options.max_threads = Threads;
    io_scheduler pool(options);
    for (int i = 0; i < Quick; ++i)
      pool.post(*new task(*this, false));
    for (std::size_t i = 0; i < Threads; ++i)
      pool.post(*new task(*this, true));
  }
  void after() {
    model::require(runs.load() == Quick + static_cast<int>(Threads), "a task was not run once");
  }

  parallel::detail::atomic<int> inside{0};
  parallel::detail::atomic<int> runs{0};
};

} // namespace

int main() {
  bool all = true;
  const model::limits some{.random = 300'000, .longest = 50'000};
  for (const unsigned failing : {0U, 3U}) {
    model::threads_fail_one_in = failing;
    std::printf(failing == 0 ? "All threads can be created:\n" : "Some cannot:\n");
    all &= model::passes<posted_tasks<1, 2, {1, 8, false}>>("one thread, two tasks", some);
    all &= model::passes<posted_tasks<1, 3, {2, 8, false}>>("two threads, three tasks", some);
    all &= model::passes<posted_tasks<1, 3, {2, 1, false}>>("two threads, a queue of one", some);
    all &= model::passes<posted_tasks<2, 2, {2, 1, false}>>("two threads, two posters", some);
    all &= model::passes<posted_tasks<1, 2, {2, 8, true}, 4>>("threads that leave", some);
  }
  model::threads_fail_one_in = 0;
  all &= model::passes<tasks_that_post<2, 2>>("tasks that queue tasks", some);
  all &= model::passes<tasks_that_meet<2>>("two tasks that block", some);
  all &= model::passes<tasks_that_meet<3>>("three tasks that block", some);
  all &= model::passes<tasks_in_a_batch<2, 1>>("two tasks that block, in a batch with a quick one",
                                               some);
  all &= model::passes<tasks_in_a_batch<2, 2>>(
      "two tasks that block, in a batch with two quick ones", some);
  return all ? 0 : 1;
}
