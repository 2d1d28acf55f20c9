// Question: what do maps inside maps cost, and do they keep all cores busy?
//
// An outer loop of few or many elements, each of which maps over elements of its own.
#include "contenders.hpp"
#include "contest.hpp"
#include "kernels.hpp"

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  bench::contest_command_line flags("A map in each element of a map, by all contenders.");
  CLI11_PARSE(flags, argc, argv);

  struct shape {
    std::size_t outer;
    std::size_t inner;
    std::uint32_t steps;
  };
  bench::contest table("nested");
  for (const shape s : {shape{2, 2'000, 300}, shape{100, 100, 300}, shape{1'000, 10, 300},
                        shape{10, 1'000, 30}, shape{3, 1'000, 300}}) {
    const std::string row =
        std::to_string(s.outer) + " x " + std::to_string(s.inner) + " w=" + std::to_string(s.steps);
    const auto outer = std::make_shared<const std::vector<std::uint64_t>>(bench::numbers(s.outer));
    const auto inner = std::make_shared<const std::vector<std::uint64_t>>(bench::numbers(s.inner));
    bench::for_each_contender(
        [&](auto contender) {
          table.add({row, contender.name, [outer, inner, s, contender] {
                       benchmark::DoNotOptimize(contender.map(*outer, [&](std::uint64_t first) {
                         const auto made = contender.map(*inner, bench::uniform_work{s.steps});
                         return std::accumulate(made.begin(), made.end(), first);
                       }));
                     }});
        },
        true);
  }
  return table.run(flags, 9, 0.05);
}
