// Sleeping and waking: no wake is lost, none is owed twice.
#include "catch.hpp"

#include <parallel/detail/scheduler/parking.hpp>

#include <atomic>
#include <set>
#include <thread>

using parallel::detail::idle_set;
using parallel::detail::parker;

TEST_CASE("an unpark before the park is not lost") {
  parker parking;
  parking.unpark();
  parking.park();
  SUCCEED();
}

TEST_CASE("two threads that wake each other in turn never stall") {
  constexpr int rounds = 50'000;
  parker one;
  parker other;
  int turns = 0; // ordered by the wakes alone, so that ThreadSanitizer reports a missing edge
  std::thread partner([&] {
    for (int i = 0; i < rounds; ++i) {
      other.park();
      ++turns;
      one.unpark();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    ++turns;
    other.unpark();
    one.park();
  }
  partner.join();
  CHECK(turns == 2 * rounds);
}

TEST_CASE("an idle set hands each sleeper to one waker") {
  idle_set idle(130); // three words
  for (const std::size_t sleeper : {0U, 63U, 64U, 129U})
    idle.add(sleeper);
  CHECK(idle.size() == 4);
  CHECK(idle.remove(63));
  CHECK_FALSE(idle.remove(63));
  std::set<std::size_t> claimed;
  for (std::size_t sleeper = idle.claim(); sleeper != idle_set::none; sleeper = idle.claim())
    CHECK(claimed.insert(sleeper).second);
  CHECK(claimed == std::set<std::size_t>{0, 64, 129});
  CHECK_FALSE(idle.remove(0));
  CHECK(idle.size() == 0);
}

TEST_CASE("of a sleeper and its waker only one takes the sleeper out") {
  idle_set idle(1);
  for (int round = 0; round < 5'000; ++round) {
    idle.add(0);
    std::atomic<int> taken{0};
    std::thread waker([&] { taken += idle.claim() != idle_set::none ? 1 : 0; });
    taken += idle.remove(0) ? 1 : 0;
    waker.join();
    REQUIRE(taken == 1);
  }
}
