// The submitters of queued tasks (task/task_list.hpp, task/task_frame.hpp). Frames reclaim tasks,
// and end, while other threads take the same tasks from the list. Each task runs once, and no
// thread touches memory that has been freed.
#include "relacy.hpp"

#include <parallel/detail/lite/lock_guard.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/task_frame.hpp>
#include <parallel/detail/task/task_list.hpp>

#include <cstddef>

using parallel::detail::frame_tasks;
using parallel::detail::lock_guard;
using parallel::detail::queued_task;
using parallel::detail::task_frame;
using parallel::detail::task_list;

namespace {

/// Each of `Frames` threads queues two tasks in each of `Lists` lists, runs one that it can reclaim
/// from each, and ends its frame. One more thread runs tasks from the lists meanwhile, and the last
/// thread runs those that are left.
template <std::size_t Frames, std::size_t Lists>
struct submitted_tasks : model::test<submitted_tasks<Frames, Lists>, Frames + 1> {
  struct task final : queued_task {
    void run() noexcept override { ran($) = ran($) + 1; }
    void discard() noexcept override {}
    rl::var<int> ran;
  };
  static constexpr std::size_t each_has = 2;

  void before() {
    for (auto& frame : tasks)
      for (auto& list : frame)
        for (task& each : list)
          each.ran($) = 0;
  }
  void thread(unsigned number) {
    if (number < Frames)
      queue_and_reclaim(number);
    else
      for (std::size_t i = 0; i < 2 * Lists; ++i)
        run_from(i % Lists);
    if (left.fetch_add(1) == static_cast<int>(Frames))
      for (std::size_t list = 0; list < Lists; ++list)
        while (run_from(list))
          ;
  }
  void after() {
    for (auto& frame : tasks)
      for (auto& list : frame)
        for (task& each : list)
          model::require(each.ran($) == 1, "a task was not run once");
  }

  void queue_and_reclaim(std::size_t number) {
    task_frame frame(this, {});
    for (std::size_t list = 0; list < Lists; ++list)
      for (task& each : tasks[number][list]) {
        const auto submitter = parallel::detail::find_submitter(each, lists[list]);
        const lock_guard lock(guards[list]);
        lists[list].push(each, submitter.tasks);
      }
    for (std::size_t list = 0; list < Lists; ++list) {
      const frame_tasks* const own = frame.tasks_in(lists[list]);
      model::require(own != nullptr, "a frame does not know its tasks");
      queued_task* reclaimed = nullptr;
      {
        const lock_guard lock(guards[list]);
        reclaimed = lists[list].pop_own(*own);
      }
      if (reclaimed != nullptr)
        reclaimed->run();
    }
  }

  bool run_from(std::size_t list) {
    queued_task* next = nullptr;
    {
      const lock_guard lock(guards[list]);
      if (!lists[list].empty())
        static_cast<void>(lists[list].front()->is_detached()); // as a batch asks
      next = lists[list].pop();
    }
    if (next != nullptr)
      next->run();
    return next != nullptr;
  }

  task_list lists[Lists];
  parallel::detail::mutex guards[Lists];
  task tasks[Frames][Lists][each_has];
  parallel::detail::atomic<int> left{0};
};

} // namespace

int main() {
  bool all = true;
  const model::limits some{.random = 300'000};
  all &= model::passes<submitted_tasks<1, 1>>("one frame, one list, a thread that takes from it",
                                              some);
  all &= model::passes<submitted_tasks<1, 2>>("one frame, two lists, a thread that takes from them",
                                              some);
  all &= model::passes<submitted_tasks<2, 1>>("two frames, one list, a thread that takes from it",
                                              some);
  return all ? 0 : 1;
}
