// Question: how does one call scale with the threads, and what is to be expected on a wider
// machine?
//
// The same loop on 1, 2, … all cores, beside what simulation.hpp predicts. Then the simulation
// alone for 16, 64 and 256 cores: uniform loops, and one whose expensive elements stand at the end.
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

using costs = std::vector<double>;

/// n elements of `ns` nanoseconds in all.
costs even(std::size_t n, double ns) {
  return costs(n, ns / static_cast<double>(n));
}

/// n elements of `ns` nanoseconds in all, of which the last hundredth takes nine tenths.
costs with_an_expensive_tail(std::size_t n, double ns) {
  costs made = even(n, ns);
  const std::size_t tail = n / 100;
  for (std::size_t i = 0; i < n; ++i)
    made[i] = i < n - tail ? ns / 10 / static_cast<double>(n - tail)
                           : ns * 9 / 10 / static_cast<double>(tail);
  return made;
}

/// The speed-up of a loop of `ns` nanoseconds, according to the simulation.
double expected(const costs& elements, double ns, std::size_t threads, bool asleep) {
  return ns / bench::simulation({}, threads, elements, asleep).run();
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
                serial, name, expected(even(each.n, each.ns), each.ns, threads, false));
    }
  }
  const int status = table.run(flags, 15);

  const std::size_t widths[] = {16, 64, 256};
  std::printf("\nSimulated on wider machines: speed-up with workers awake, and asleep\n%-22s", "");
  for (const std::size_t threads : widths)
    std::printf(" %10zu cores", threads);
  const auto simulate = [&](const std::string& name, const costs& elements, double ns) {
    std::printf("\n%-22s", name.c_str());
    for (const std::size_t threads : widths)
      std::printf("  %6.1f, %6.1f", expected(elements, ns, threads, false),
                  expected(elements, ns, threads, true));
  };
  for (const loop& each : loops)
    simulate(each.name, even(each.n, each.ns), each.ns);
  for (const loop& each : loops)
    simulate(std::string(each.name) + ", expensive tail", with_an_expensive_tail(each.n, each.ns),
             each.ns);
  std::printf("\ndear tail: the last hundredth of the elements holds nine tenths of the work\n");
  return status;
}
