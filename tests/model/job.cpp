// Joining and leaving a job (job.hpp): helpers see it as it was prepared, its owner sees their
// results, sleeps no longer than they are inside, and may use the job again at once.
#include "relacy.hpp"

#include <parallel/detail/job.hpp>
#include <parallel/detail/platform/thread.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

using parallel::detail::job;
using parallel::detail::job_list;
using parallel::detail::loop_counts;

namespace {

/// A job with something to read, and a place for each seat to write to.
struct shared_job final : job {
  void help(std::uint32_t seat, loop_counts&) noexcept override {
    model::require(prepared($) == round, "a helper sees another job than the one it has joined");
    results[seat]($) = round;
  }

  int round = 0; // what the helpers are to find; Relacy does not watch it
  rl::var<int> prepared;
  rl::var<int> results[4];
};

/// The owner opens a job, twice; `Helpers` others look at it a few times each.
template <std::size_t Helpers, std::uint32_t Seats>
struct owner_and_helpers : model::test<owner_and_helpers<Helpers, Seats>, Helpers + 1> {
  void before() {
    work.prepared($) = 0;
    for (rl::var<int>& each : work.results)
      each($) = 0;
  }
  void thread(unsigned number) {
    if (number == 0)
      own();
    else
      for (int look = 0; look < 2; ++look)
        if (const std::uint32_t seat = work.join(); seat != 0) {
          work.help(seat, work.by_owner());
          work.withdraw();
          work.leave();
        }
  }
  void own() {
    for (int round = 1; round <= 2; ++round) {
      work.prepared($) = round;
      work.round = round;
      work.open(Seats);
      work.withdraw();
      const std::uint32_t joined = work.joined();
      model::require(joined <= Seats, "more have joined than there are seats");
      bool first = true;
      work.wait([&] { return std::exchange(first, false); }, [] { return false; });
      for (std::uint32_t seat = 1; seat <= joined; ++seat)
        model::require(work.results[seat]($) == round, "a helper's result is not there");
      work.prepared($) = 0; // nobody is inside any more: to write here is no race
    }
  }

  shared_job work;
};

/// A helper opens a job within the owner's, and waits in it: the owner, asleep or about to be, is
/// called and helps with it, without which nobody would.
struct owner_helps_within : model::test<owner_helps_within, 2> {
  void before() {
    for (shared_job* each : {&outer, &inner}) {
      each->prepared($) = 1;
      each->round = 1;
      for (rl::var<int>& result : each->results)
        result($) = 0;
    }
  }
  void thread(unsigned number) {
    if (number == 0) {
      outer.open(1);
      while (outer.is_open()) // until the helper has joined
        parallel::detail::yield();
      outer.withdraw();
      outer.wait([] { return false; },
                 [&] {
                   const std::uint32_t seat =
                       inner.is_open() && inner.parent() == &outer ? inner.join() : 0;
                   if (seat != 0) {
                     inner.help(seat, outer.by_owner());
                     inner.leave();
                   }
                   return seat != 0;
                 });
      model::require(outer.results[1]($) == 1, "the helper's result is not there");
      return;
    }
    std::uint32_t seat = 0;
    while ((seat = outer.join()) == 0)
      parallel::detail::yield();
    inner.open(1, &outer);
    outer.call_owner();
    while (inner.joined() == 0)
      parallel::detail::yield();
    inner.withdraw();
    inner.wait([] { return false; }, [] { return false; });
    model::require(inner.results[1]($) == 1, "the owner's help is not there");
    outer.help(seat, outer.by_owner());
    outer.leave();
  }

  shared_job outer;
  shared_job inner;
};

/// Threads take jobs from one list, where there are none at first, and give them back: none is ever
/// two threads' at once.
template <std::size_t Threads>
struct list_of_jobs : model::test<list_of_jobs<Threads>, Threads> {
  void before() { jobs = new job_list(); }
  void after() { delete jobs; }
  void thread(unsigned) {
    for (int round = 0; round < 2; ++round) {
      job& mine = jobs->acquire([] {
        auto* const one = new shared_job();
        one->prepared($) = 0;
        return one;
      });
      auto& own = static_cast<shared_job&>(mine);
      own.prepared($) = own.prepared($) + 1; // a race if it is another thread's too
      job_list::release(mine);
    }
  }

  job_list* jobs = nullptr;
};

} // namespace

int main() {
  bool all = true;
  all &= model::passes<owner_and_helpers<1, 1>>("an owner and a helper",
                                                {.random = 1'000'000, .context_bound = 3});
  all &= model::passes<owner_and_helpers<2, 1>>("an owner, two helpers, one seat",
                                                {.random = 1'000'000});
  all &= model::passes<owner_and_helpers<2, 2>>("an owner, two helpers, two seats",
                                                {.random = 1'000'000});
  all &= model::passes<owner_helps_within>("an owner that waits helps within its job",
                                           {.random = 1'000'000});
  all &= model::passes<list_of_jobs<2>>("two threads at a list of jobs", {.random = 1'000'000});
  all &= model::passes<list_of_jobs<3>>("three threads at a list of jobs", {.random = 1'000'000});
  return all ? 0 : 1;
}
