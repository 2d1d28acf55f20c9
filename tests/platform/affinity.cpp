// Where a woken worker may run: what is done to its affinity mask, and undone.
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

/// Runs `test` on a thread whose mask may be changed, if there are two processors to choose from.
template <class Test>
void on_a_thread_with_a_choice(const Test& test) {
  std::thread([&] {
    const cpu_set_t mask = mask_of_this_thread();
    if (CPU_COUNT(&mask) < 2) {
      WARN("one processor only: nothing to choose");
      return;
    }
    test(mask);
  }).join();
}

} // namespace

TEST_CASE("a thread is kept off a processor until it settles") {
  on_a_thread_with_a_choice([](const cpu_set_t& mask) {
    const int here = this_processor();
    wake_affinity place;
    place.keep_off(here);
    CHECK(equal(mask_of_this_thread(), without(mask, here)));
    CHECK(this_processor() != here);
    place.settle();
    CHECK(equal(mask_of_this_thread(), mask));
    place.settle(); // nothing more to undo
    CHECK(equal(mask_of_this_thread(), mask));
  });
}

TEST_CASE("a thread that is kept off one processor can be moved off another instead") {
  on_a_thread_with_a_choice([](const cpu_set_t& mask) {
    const int here = this_processor();
    wake_affinity place;
    place.move_off(here); // not kept off any: left alone
    CHECK(equal(mask_of_this_thread(), mask));
    place.keep_off(here);
    const int there = this_processor();
    place.move_off(there);
    CHECK(equal(mask_of_this_thread(), without(mask, there)));
    place.settle();
    CHECK(equal(mask_of_this_thread(), mask));
  });
}

TEST_CASE("a thread keeps a mask that somebody else has given it meanwhile") {
  on_a_thread_with_a_choice([](const cpu_set_t& mask) {
    const int here = this_processor();
    wake_affinity place;
    place.keep_off(here);
    cpu_set_t chosen;
    CPU_ZERO(&chosen);
    CPU_SET(here, &chosen);
    REQUIRE(sched_setaffinity(0, sizeof chosen, &chosen) == 0);
    place.settle();
    CHECK(equal(mask_of_this_thread(), chosen));
    REQUIRE(sched_setaffinity(0, sizeof mask, &mask) == 0);
  });
}

TEST_CASE("a thread whose mask somebody else has set is not moved any more") {
  on_a_thread_with_a_choice([](const cpu_set_t& mask) {
    const int here = this_processor();
    wake_affinity place;
    place.keep_off(here);
    const int there = this_processor();
    REQUIRE(sched_setaffinity(0, sizeof mask, &mask) == 0); // all processors again
    place.move_off(there);
    CHECK(equal(mask_of_this_thread(), mask));
    place.settle();
    CHECK(equal(mask_of_this_thread(), mask));
  });
}

TEST_CASE("a thread that may run on one processor only is left there") {
  std::thread([] {
    const int here = this_processor();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(here, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    wake_affinity place;
    place.keep_off(here);
    CHECK(equal(mask_of_this_thread(), one));
    place.keep_off(-1); // not known
    place.keep_off(1'000'000);
    CHECK(equal(mask_of_this_thread(), one));
    place.settle();
    CHECK(equal(mask_of_this_thread(), one));
  }).join();
}

#endif

TEST_CASE("calls far enough apart for the workers to sleep leave every caller's mask alone") {
  parallel::thread_pool pool(2);
  const std::vector<int> xs(64, 1);
#if PARALLEL_DETAIL_LINUX
  const cpu_set_t before = mask_of_this_thread();
#endif
  for (int call = 0; call < 20; ++call) {
    const std::vector<int> ys = parallel::map(pool, xs, [](int x) { return x + 1; }, {.grain = 1});
    CHECK(ys == std::vector<int>(64, 2));
    // Long enough for most workers to go to sleep; nothing depends on it.
    for (int look = 0; look < 2'000; ++look)
      parallel::detail::pause();
  }
#if PARALLEL_DETAIL_LINUX
  CHECK(equal(mask_of_this_thread(), before));
#endif
}
