// Question: how does one call scale with the threads, and what is to be expected on a wider
// machine?
//
// The same loop on 1, 2, … all cores, beside what simulation.hpp predicts; then the simulation
// alone for 16, 64 and 256 cores, uniform loops and one whose dear elements stand at the end.
#include "comparison.hpp"
#include "kernels.hpp"
#include "simulation.hpp"

#include <parallel/map.hpp>

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace {

/// The speed-up of n elements of `ns` nanoseconds in all, according to the simulation.
double expected(std::size_t n, double ns, std::size_t threads, bool asleep) {
  const std::vector<double> costs(n, ns / static_cast<double>(n));
  return ns / bench::simulation({}, threads, costs, asleep).run();
}

} // namespace

int main(int argc, char** argv) {
  bench::comparison_command_line flags("One loop on 1, 2, … all cores, and a simulation of it.");
  CLI11_PARSE(flags, argc, argv);

  struct loop {
    const char* name;
    std::size_t n;
    std::uint32_t steps;
    double ns; // serially, about
  };
  const loop loops[] = {
      {"100 us", 400, 300, 1e5}, {"2 ms", 8'000, 300, 2e6}, {"50 ms", 200'000, 300, 5e7}};
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
                serial, name, expected(each.n, each.ns, threads, false));
    }
  }
  const int status = table.run(flags, 15);

  const std::size_t widths[] = {16, 64, 256};
  std::printf("\nSimulated on wider machines: speed-up with workers awake, and asleep\n%-22s", "");
  for (const std::size_t threads : widths)
    std::printf(" %10zu cores", threads);
  for (const loop& each : loops) {
    std::printf("\n%-22s", each.name);
    for (const std::size_t threads : widths)
      std::printf("  %6.1f, %6.1f", expected(each.n, each.ns, threads, false),
                  expected(each.n, each.ns, threads, true));
  }
  std::printf("\n");
  return status;
}
