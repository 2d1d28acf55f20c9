// The affinity mask of a worker: what is changed for a sleep is restored afterwards.
#include "catch.hpp"

#include <parallel/detail/platform/affinity.hpp>
#include <parallel/map.hpp>

#include <thread>
#include <vector>

using parallel::detail::this_processor;
using parallel::detail::wake_affinity;

#if PARALLEL_DETAIL_LINUX

namespace {

cpu_set_t mask_of_this_thread() {
  cpu_set_t mask;
  REQUIRE(sched_getaffinity(0, sizeof mask, &mask) == 0);
  return mask;
}

cpu_set_t without(cpu_set_t mask, int processor) {
  CPU_CLR(processor, &mask);
  return mask;
}

bool equal(const cpu_set_t& a, const cpu_set_t& b) {
  return CPU_EQUAL(&a, &b);
}

/// Runs test(mask) on a new thread, if its mask contains two or more processors.
template <class Test>
void on_a_thread_with_two_processors(const Test& test) {
  std::thread([&] {
    const cpu_set_t mask = mask_of_this_thread();
    if (CPU_COUNT(&mask) < 2) {
      WARN("one processor only: nothing to exclude");
      return;
    }
    test(mask);
  }).join();
}

} // namespace

TEST_CASE("a processor is excluded from a thread's mask until the mask is restored") {
  on_a_thread_with_two_processors([](const cpu_set_t& mask) {
    const int here = this_processor();
    wake_affinity affinity;
    affinity.exclude(here);
    CHECK(equal(mask_of_this_thread(), without(mask, here)));
    CHECK(this_processor() != here);
    affinity.restore();
    CHECK(equal(mask_of_this_thread(), mask));
    affinity.restore(); // nothing more to restore
    CHECK(equal(mask_of_this_thread(), mask));
  });
}

TEST_CASE("a thread with one excluded processor can have another one excluded instead") {
  on_a_thread_with_two_processors([](const cpu_set_t& mask) {
    const int here = this_processor();
    wake_affinity affinity;
    affinity.exclude_instead(here); // none is excluded: nothing happens
    CHECK(equal(mask_of_this_thread(), mask));
    affinity.exclude(here);
    const int there = this_processor();
    affinity.exclude_instead(there);
    CHECK(equal(mask_of_this_thread(), without(mask, there)));
    affinity.restore();
    CHECK(equal(mask_of_this_thread(), mask));
  });
}

TEST_CASE("a mask that other code has set during the sleep is not overwritten by the old one") {
  on_a_thread_with_two_processors([](const cpu_set_t& mask) {
    const int here = this_processor();
    wake_affinity affinity;
    affinity.exclude(here);
    cpu_set_t chosen;
    CPU_ZERO(&chosen);
    CPU_SET(here, &chosen);
    REQUIRE(sched_setaffinity(0, sizeof chosen, &chosen) == 0);
    affinity.restore();
    CHECK(equal(mask_of_this_thread(), chosen));
    REQUIRE(sched_setaffinity(0, sizeof mask, &mask) == 0);
  });
}

TEST_CASE("a thread whose mask other code has set gets no other processor excluded") {
  on_a_thread_with_two_processors([](const cpu_set_t& mask) {
    const int here = this_processor();
    wake_affinity affinity;
    affinity.exclude(here);
    const int there = this_processor();
    REQUIRE(sched_setaffinity(0, sizeof mask, &mask) == 0); // all processors again
    affinity.exclude_instead(there);
    CHECK(equal(mask_of_this_thread(), mask));
    affinity.restore();
    CHECK(equal(mask_of_this_thread(), mask));
  });
}

TEST_CASE("a thread that may run on one processor only keeps its mask") {
  std::thread([] {
    const int here = this_processor();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(here, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    wake_affinity affinity;
    affinity.exclude(here);
    CHECK(equal(mask_of_this_thread(), one));
    affinity.exclude(-1); // not known
    affinity.exclude(1'000'000);
    CHECK(equal(mask_of_this_thread(), one));
    affinity.restore();
    CHECK(equal(mask_of_this_thread(), one));
  }).join();
}

#endif

TEST_CASE("calls far enough apart for the workers to sleep do not change the caller's mask") {
  parallel::thread_pool pool(2);
  const std::vector<int> xs(64, 1);
#if PARALLEL_DETAIL_LINUX
  const cpu_set_t before = mask_of_this_thread();
#endif
  for (int call = 0; call < 20; ++call) {
    const std::vector<int> ys = parallel::map(pool, xs, [](int x) { return x + 1; }, {.grain = 1});
    CHECK(ys == std::vector<int>(64, 2));
    // Long enough for most workers to sleep; the test is right in any case.
    for (int i = 0; i < 2'000; ++i)
      parallel::detail::pause();
  }
#if PARALLEL_DETAIL_LINUX
  CHECK(equal(mask_of_this_thread(), before));
#endif
}
