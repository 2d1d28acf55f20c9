// Question: how does one call scale with the threads, and what is to be expected on a wider
// machine?
//
// The same loop on 1, 2, … all cores, beside what the model below predicts;
// then the model alone for 16, 64 and 256 cores.
#include "comparison.hpp"
#include "kernels.hpp"

#include <parallel/map.hpp>

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace {

/// What a call costs on p threads beyond its share of the work, in nanoseconds. Everything that is
/// not computing is a cache line on its way from one core to another.
struct model {
  double transfer = 100; ///< one line, between cores that both want it
  double claim = 25;     ///< compare-and-swap of one's own line, and a look at the clock
  double wake = 50'000;  ///< of a worker that sleeps

  [[nodiscard]] double overhead(double p) const {
    if (p < 2)
      return 0;
    const double deal = p * transfer / 10;      // a slot each; the stores overlap
    const double join = (p - 1) * transfer / 2; // one word, one after another: the mean start
    const double claims = 20 * claim;           // growing at the start, shrinking at the end
    const double look = p * transfer / 10;      // at all slots; the loads overlap
    const double steals = std::log2(p) * (look + 4 * transfer); // halves of halves at the end
    const double leave = (p - 1) * transfer;                    // one word again, now all at once
    return deal + join + claims + steals + leave;
  }

  /// The speed-up of `serial` nanoseconds of work on up to p threads. If the workers sleep, they
  /// wake each other, so that the k-th arrives after log2(k) wakes; whoever would arrive after the
  /// end is not waited for.
  [[nodiscard]] double speed_up(double serial, double p, bool asleep) const {
    double crew = 0;
    double lost = 0; // the time until each arrives, added up
    double time = serial;
    while (crew < p) {
      const double arrival = asleep ? std::ceil(std::log2(crew + 1)) * wake : 0;
      if (arrival > time)
        break;
      lost += arrival;
      ++crew;
      time = (serial + lost) / crew;
    }
    return serial / (time + overhead(crew));
  }
};

} // namespace

int main(int argc, char** argv) {
  bench::comparison_command_line flags("One loop on 1, 2, … all cores, and a model of it.");
  CLI11_PARSE(flags, argc, argv);

  struct loop {
    const char* name;
    std::size_t n;
    std::uint32_t steps;
    double ns; // serially, about
  };
  const loop loops[] = {
      {"100 us", 400, 300, 1e5}, {"2 ms", 8'000, 300, 2e6}, {"50 ms", 200'000, 300, 5e7}};
  const model expected;
  bench::comparison table("scaling", "predicted");
  for (const loop& each : loops) {
    const auto xs = std::make_shared<const std::vector<std::uint64_t>>(bench::numbers(each.n));
    const bench::uniform_work work{each.steps};
    const std::string serial = std::string(each.name) + "/serial";
    // Calls in a row, so that the workers are awake, and each measurement lasts.
    const int calls = each.ns < 1e7 ? static_cast<int>(1e7 / each.ns) : 1;
    table.measure(serial, [=] {
      for (int call = 0; call < calls; ++call) {
        std::vector<std::uint64_t> out(xs->size());
        for (std::size_t i = 0; i < out.size(); ++i)
          out[i] = work((*xs)[i]);
        benchmark::DoNotOptimize(out);
      }
    });
    for (const std::size_t threads : bench::thread_counts()) {
      const std::string name = std::string(each.name) + "/map/" + std::to_string(threads);
      const auto pool = std::make_shared<parallel::thread_pool>(threads);
      table.measure(name, [=] {
        for (int call = 0; call < calls; ++call)
          benchmark::DoNotOptimize(parallel::map(*pool, *xs, work));
      });
      table.row(std::to_string(calls) + " x " + each.name + ", " + bench::threads_text(threads),
                serial, name, expected.speed_up(each.ns, static_cast<double>(threads), false));
    }
  }
  const int status = table.run(flags, 15);

  std::printf("\nThe model on wider machines: speed-up with workers awake, and asleep\n%-12s", "");
  const double widths[] = {16, 64, 256};
  for (const double p : widths)
    std::printf(" %10.0f cores", p);
  for (const loop& each : loops) {
    std::printf("\n%-12s", each.name);
    for (const double p : widths)
      std::printf("  %6.1f, %6.1f", expected.speed_up(each.ns, p, false),
                  expected.speed_up(each.ns, p, true));
  }
  std::printf("\n");
  return status;
}
