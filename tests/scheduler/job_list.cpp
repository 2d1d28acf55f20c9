// The list in which jobs are offered, and used again.
#include "catch.hpp"

#include <parallel/detail/scheduler/job.hpp>
#include <parallel/detail/scheduler/job_list.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

using parallel::detail::job;
using parallel::detail::job_list;

namespace {

struct listed_job final : job {
  listed_job() : job(9) {}
  void help(std::uint32_t, parallel::detail::loop_counts&) noexcept override {}
};

job* make_job() {
  return new listed_job;
}

job* open_one(const job_list& list) {
  return list.find([](const job& work) { return work.is_open(); });
}

} // namespace

TEST_CASE("a list hands out a job again once it was released") {
  job_list list;
  job& outer = list.acquire(make_job);
  job& inner = list.acquire(make_job);
  CHECK(&outer != &inner);
  job_list::release(outer);
  CHECK(&list.acquire(make_job) == &outer);
  job_list::release(inner);
  CHECK(&list.acquire(make_job) == &inner);
}

TEST_CASE("of the open jobs in a list the outermost is found first") {
  job_list list;
  CHECK(open_one(list) == nullptr);
  job& outer = list.acquire(make_job);
  job& inner = list.acquire(make_job);
  inner.open(1);
  CHECK(open_one(list) == &inner);
  outer.open(1);
  CHECK(open_one(list) == &outer);
  outer.withdraw();
  CHECK(open_one(list) == &inner);
}

TEST_CASE("threads that acquire from one list at once get different jobs") {
  for (int round = 0; round < 200; ++round) {
    job_list list;
    std::vector<job*> got(8);
    std::vector<std::thread> threads;
    for (job*& mine : got)
      threads.emplace_back([&] { mine = &list.acquire(make_job); });
    for (std::thread& thread : threads)
      thread.join();
    REQUIRE(std::set<job*>(got.begin(), got.end()).size() == got.size());
    for (job* mine : got)
      job_list::release(*mine);
    std::set<job*> again;
    for (std::size_t i = 0; i < got.size(); ++i)
      again.insert(&list.acquire(make_job));
    REQUIRE(again == std::set<job*>(got.begin(), got.end()));
  }
}
