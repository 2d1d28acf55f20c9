// How large chunks become. Time stands still here unless a test moves it.
#include "catch.hpp"
#include "test_clock.hpp"

#include <parallel/detail/loop/chunking.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

using namespace std::chrono_literals;
using parallel::detail::cost_model;
using test::test_clock;

namespace {

using chunk_sizer = parallel::detail::basic_chunk_sizer<test_clock>;

} // namespace

TEST_CASE("chunks are one grain when the user has chosen the grain") {
  chunk_sizer sizer(nullptr);
  sizer.start();
  for (int chunk = 0; chunk < 10; ++chunk) {
    CHECK(sizer.chunk_size() == 1);
    CHECK(sizer.min_chunk_size() == 1);
    sizer.chunk_done(1);
  }
  CHECK(sizer.total_grains() == 0);
}

TEST_CASE(
    "chunks of remembered cost begin with a short probe, then double from one microsecond to ten") {
  cost_model known(10);
  chunk_sizer sizer(&known);
  sizer.start();
  std::vector<std::uint32_t> sizes;
  for (int chunk = 0; chunk < 7; ++chunk) {
    sizes.push_back(sizer.chunk_size());
    test_clock::pass(10ns * sizer.chunk_size());
    sizer.chunk_done(sizer.chunk_size());
  }
  CHECK(sizes == std::vector<std::uint32_t>{12, 100, 200, 400, 800, 1'000, 1'000});
  CHECK(sizer.total_ns() == 10.0 * static_cast<double>(sizer.total_grains()));
}

TEST_CASE("the probe tells whether elements cost much more than remembered") {
  cost_model known(10);
  for (const auto each : {10ns, 70ns}) { // the latter because of empty caches
    chunk_sizer sizer(&known);
    sizer.start();
    test_clock::pass(12 * each);
    sizer.chunk_done(12);
    CHECK(sizer.chunk_size() == 100);
    CHECK(sizer.total_ns() == 12.0 * static_cast<double>(each.count()));
  }
  chunk_sizer sizer(&known);
  sizer.start();
  test_clock::pass(12us);
  sizer.chunk_done(12);
  CHECK(sizer.chunk_size() == 10);
}

TEST_CASE(
    "the cost of a grain is that of the last chunks if the system interrupted an earlier one") {
  cost_model known(100);
  chunk_sizer sizer(&known);
  sizer.start();
  test_clock::pass(1ms);
  sizer.chunk_done(1);
  CHECK(sizer.ns_per_grain() == 1'000'000);
  test_clock::pass(300ns);
  sizer.chunk_done(3);
  CHECK(sizer.ns_per_grain() == 100);
}

TEST_CASE("chunks of unknown cost grow fourfold to a microsecond, then twofold") {
  const cost_model model;
  chunk_sizer sizer(&model);
  sizer.start();
  std::vector<std::uint32_t> sizes;
  for (int chunk = 0; chunk < 9; ++chunk) {
    sizes.push_back(sizer.chunk_size());
    test_clock::pass(100ns * sizer.chunk_size());
    sizer.chunk_done(sizer.chunk_size());
  }
  CHECK(sizes == std::vector<std::uint32_t>{1, 4, 10, 20, 40, 80, 100, 100, 100});
}

TEST_CASE("chunks shrink at once when elements turn out expensive") {
  cost_model known(1);
  chunk_sizer sizer(&known);
  sizer.start();
  sizer.chunk_done(125);
  CHECK(sizer.chunk_size() == 1'000);
  test_clock::pass(1ms);
  sizer.chunk_done(1'000);
  CHECK(sizer.chunk_size() == 10);
  CHECK(sizer.min_chunk_size() == 1);
}

TEST_CASE(
    "grains that last half a microsecond are stolen at once, or longer ones among many slots") {
  cost_model known(100);
  chunk_sizer sizer(&known);
  CHECK(sizer.min_steal_size(2) == 5);
  CHECK(sizer.min_steal_size(4) == 5);
  CHECK(sizer.min_steal_size(16) == 20);
  sizer.restart_after_steal();
  CHECK(sizer.min_steal_size(16) == 1); // nothing is known
  CHECK(chunk_sizer(nullptr).min_steal_size(16) == 1);
}

TEST_CASE("short chunks are timed together") {
  cost_model known(100);
  chunk_sizer sizer(&known);
  sizer.start();
  test_clock::pass(100ns);
  sizer.chunk_done(1); // the probe
  for (int chunk = 0; chunk < 5; ++chunk) {
    CHECK(sizer.total_grains() == 1);
    test_clock::pass(200ns);
    sizer.chunk_done(2);
  }
  CHECK(sizer.total_grains() == 11);
  CHECK(sizer.total_ns() == 1'100);
}

TEST_CASE("grains are expensive that take many times what is remembered, or longer than a probe") {
  const auto are_expensive = [](const cost_model* model, std::chrono::nanoseconds each,
                                bool stolen) {
    chunk_sizer sizer(model);
    sizer.start();
    if (stolen)
      sizer.restart_after_steal();
    test_clock::pass(each * sizer.chunk_size());
    sizer.chunk_done(sizer.chunk_size());
    return sizer.is_expensive();
  };
  const cost_model known(10);
  const cost_model unknown;
  for (const bool stolen : {false, true}) {
    CHECK(!are_expensive(&known, 300ns, stolen));
    CHECK(are_expensive(&known, 340ns, stolen));
    CHECK(!are_expensive(&unknown, 100ns, stolen));
    CHECK(are_expensive(&unknown, 150ns, stolen));
    CHECK(!are_expensive(nullptr, 1h, stolen));
  }
}

TEST_CASE("the chunk size starts again at the other end of a stolen range, but not of a share") {
  const cost_model known(10);
  chunk_sizer sizer(&known);
  sizer.start();
  test_clock::pass(12 * 10ns);
  sizer.chunk_done(12);
  sizer.change_end();
  CHECK(sizer.chunk_size() == 100);
  sizer.restart_after_steal();
  test_clock::pass(10ns);
  sizer.chunk_done(1);
  CHECK(sizer.chunk_size() == 4);
  sizer.change_end();
  CHECK(sizer.chunk_size() == 1);
  CHECK(sizer.min_chunk_size() == 1);
  test_clock::pass(1ms);
  sizer.chunk_done(1);
  CHECK(sizer.chunk_size() == 1);
}

TEST_CASE(
    "both ends of a stolen range are probed unless it should last half a microsecond or less") {
  const cost_model known(10);
  chunk_sizer sizer(&known);
  sizer.start();
  CHECK(sizer.should_probe_both_ends(51));
  CHECK(!sizer.should_probe_both_ends(50));
  const cost_model unknown;
  chunk_sizer first(&unknown);
  first.start();
  CHECK(first.should_probe_both_ends(1));
}

TEST_CASE("a steal is not charged to the chunks, and the first one after it is a single grain") {
  cost_model known(100);
  chunk_sizer sizer(&known);
  sizer.start();
  test_clock::pass(1us);
  sizer.chunk_done(10);
  CHECK(sizer.chunk_size() == 10);
  test_clock::pass(1h);
  sizer.restart_after_steal();
  CHECK(sizer.chunk_size() == 1);
  CHECK(sizer.min_chunk_size() == 1);
  test_clock::pass(1us);
  sizer.chunk_done(1);
  CHECK(sizer.total_ns() == 2'000);
}
