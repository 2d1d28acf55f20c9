// Joining and leaving a job (scheduler/job.hpp): helpers see it as it was prepared; its owner sees
// their results, sleeps no longer than they are inside, and may use the job again at once. And the
// list in which jobs are offered (scheduler/job_list.hpp).
#include "relacy.hpp"

#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/scheduler/job.hpp>
#include <parallel/detail/scheduler/job_list.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

using parallel::detail::job;
using parallel::detail::job_list;
using parallel::detail::loop_counts;

namespace {

/// A job with something to read, and a variable for each slot to write to.
struct shared_job final : job {
  shared_job() : job(4) {}
  void help(std::uint32_t slot, loop_counts&) noexcept override {
    model::require(prepared($) == round, "a helper sees another job than the one it has joined");
    results[slot]($) = round;
  }
  void help_without_slot() {
    model::require(prepared($) == round,
                   "a compensating worker sees another job than the one it has joined");
    results[3]($) = round;
  }

  int round = 0;     // what the helpers are to find; Relacy does not watch it
  rl::var<int> made; // in a list: written before other threads can see the job
  rl::var<int> prepared;
  rl::var<int> results[4];
};

/// The owner opens a job, twice; `Helpers` other threads try to join it twice each, and so do
/// `Compensating` workers. The first helper adds `More` slots.
template <std::size_t Helpers, std::uint32_t Slots, std::size_t Compensating = 0,
          std::uint32_t More = 0>
struct owner_and_helpers : model::test<owner_and_helpers<Helpers, Slots, Compensating, More>,
                                       1 + Helpers + Compensating> {
  void before() {
    work.prepared($) = 0;
    more($) = 0;
    for (rl::var<int>& each : work.results)
      each($) = 0;
  }
  void thread(unsigned number) {
    if (number == 0)
      return own();
    for (int attempt = 0; attempt < 2; ++attempt) {
      const bool is_helper = number <= Helpers;
      const std::uint32_t slot = is_helper ? work.join() : 0;
      if (is_helper ? slot == 0 : !work.join_without_slot())
        continue;
      if (slot == 1 && More != 0) {
        more($) = work.prepared($);
        work.add_slots(More);
      } else if (slot > Slots) {
        model::require(more($) == work.prepared($),
                       "a helper with an added slot does not see it added");
      }
      if (is_helper) {
        work.help(slot, work.owner_counts());
        work.withdraw_and_leave(slot);
      } else {
        work.help_without_slot();
        work.withdraw_and_leave_without_slot();
      }
    }
  }
  void own() {
    for (int round = 1; round <= 2; ++round) {
      work.prepared($) = round;
      work.round = round;
      work.open(Slots);
      work.withdraw();
      const std::uint32_t joined = work.joined();
      model::require(joined <= Slots + More, "more have joined than there are slots");
      bool first = true;
      work.wait([&] { return std::exchange(first, false); }, [] { return false; });
      for (std::uint32_t slot = 1; slot <= joined; ++slot)
        model::require(work.results[slot]($) == round, "a helper's result is not there");
      // All have left: to write here is no race.
      work.prepared($) = 0;
      work.results[3]($) = 0;
    }
  }

  rl::var<int> more; // the round in which slots were added
  shared_job work;
};

/// Each helper opens a job within the owner's, and waits for it: the owner, asleep or about to be,
/// is notified and helps with it, as no other thread does.
template <std::size_t Helpers>
struct owner_helps_within : model::test<owner_helps_within<Helpers>, Helpers + 1> {
  void before() {
    prepare(outer);
    for (shared_job& each : inner)
      prepare(each);
  }
  static void prepare(shared_job& work) {
    work.prepared($) = 1;
    work.round = 1;
    for (rl::var<int>& result : work.results)
      result($) = 0;
  }
  void thread(unsigned number) {
    if (number == 0)
      own();
    else
      help(inner[number - 1]);
  }
  void own() {
    outer.open(Helpers);
    while (outer.is_open()) // until the helpers have joined
      parallel::detail::yield();
    outer.withdraw();
    outer.wait([] { return false; },
               [&] {
                 for (shared_job& each : inner)
                   if (each.is_open() && each.parent() == &outer)
                     if (const std::uint32_t slot = each.join(); slot != 0) {
                       each.help(slot, outer.owner_counts());
                       each.leave(slot);
                       return true;
                     }
                 return false;
               });
    for (std::uint32_t slot = 1; slot <= Helpers; ++slot)
      model::require(outer.results[slot]($) == 1, "a helper's result is not there");
  }
  void help(shared_job& own) {
    std::uint32_t slot = 0;
    while ((slot = outer.join()) == 0)
      parallel::detail::yield();
    own.open(1, &outer);
    outer.notify_owner();
    while (own.joined() == 0)
      parallel::detail::yield();
    own.withdraw();
    own.wait([] { return false; }, [] { return false; });
    model::require(own.results[1]($) == 1, "the owner's help is not there");
    outer.help(slot, outer.owner_counts());
    outer.leave(slot);
  }

  shared_job outer;
  shared_job inner[Helpers];
};

/// Threads acquire jobs from one list, which is empty at first, and release them: no job is two
/// threads' at once, and a thread that visits all of them sees them as they were made.
template <std::size_t Threads>
struct list_of_jobs : model::test<list_of_jobs<Threads>, Threads> {
  void before() { jobs = new job_list(); }
  void after() { delete jobs; }
  void thread(unsigned) {
    for (int round = 0; round < 2; ++round) {
      job& mine = jobs->acquire([] {
        auto* const one = new shared_job();
        one->made($) = 1;
        one->prepared($) = 0;
        return one;
      });
      auto& own = static_cast<shared_job&>(mine);
      own.prepared($) = own.prepared($) + 1; // a race if it is another thread's too
      job_list::release(mine);
      jobs->for_each([](const job& each) {
        model::require(static_cast<const shared_job&>(each).made($) == 1, "a job is not made");
      });
    }
  }

  job_list* jobs = nullptr;
};

} // namespace

int main() {
  bool all = true;
  all &= model::passes<owner_and_helpers<1, 1>>("an owner and a helper",
                                                {.random = 1'000'000, .context_bound = 3});
  all &= model::passes<owner_and_helpers<2, 1>>("an owner, two helpers, one slot",
                                                {.random = 1'000'000});
  all &= model::passes<owner_and_helpers<2, 2>>("an owner, two helpers, two slots",
                                                {.random = 1'000'000});
  all &= model::passes<owner_and_helpers<1, 1, 1>>("an owner, a helper, a compensating worker",
                                                   {.random = 1'000'000});
  all &= model::passes<owner_and_helpers<2, 1, 0, 1>>(
      "an owner, two helpers, a slot, and another from the first", {.random = 1'000'000});
  all &= model::passes<owner_helps_within<1>>("an owner that waits helps within its job",
                                              {.random = 1'000'000});
  all &= model::passes<owner_helps_within<2>>(
      "an owner that waits helps within its job, with the jobs of two helpers",
      {.random = 1'000'000});
  all &= model::passes<list_of_jobs<2>>("two threads at a list of jobs", {.random = 1'000'000});
  all &= model::passes<list_of_jobs<3>>("three threads at a list of jobs", {.random = 1'000'000});
  return all ? 0 : 1;
}
