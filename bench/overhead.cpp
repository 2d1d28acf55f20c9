// Question: is parallel::map ever slower than the plain loop, or than a peer?
//
// A grid of calls with workers that are awake: n elements of w dependent multiplications each, from
// one element of nothing to a million of 30,000 (half a minute serially, so the longest rows are
// left out unless asked for). Calls of one size follow each other at once, as in a program's inner
// loop.
#include "contenders.hpp"
#include "contest.hpp"
#include "kernels.hpp"

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

int main(int argc, char** argv) {
  bench::contest_command_line flags(
      "The grid: n elements of w multiplications, by all contenders.");
  double most_seconds = 0.5;
  flags.add_option("--most-seconds", most_seconds, "leave out rows that take longer serially")
      ->capture_default_str();
  CLI11_PARSE(flags, argc, argv);

  bench::contest grid("overhead, hot workers");
  for (const std::size_t n : {1U, 2U, 3U, 10U, 100U, 1'000U, 10'000U, 1'000'000U})
    for (const std::uint32_t w : {0U, 30U, 300U, 3'000U, 30'000U}) {
      const std::string row = "n=" + std::to_string(n) + " w=" + std::to_string(w);
      if (static_cast<double>(n) * w * 1e-9 > most_seconds) {
        std::printf("left out, as it takes longer than --most-seconds: %s\n", row.c_str());
        continue;
      }
      const auto xs = std::make_shared<const std::vector<std::uint64_t>>(bench::numbers(n));
      bench::for_each_contender([&](auto contender) {
        grid.add({row, contender.name, [xs, w, contender] {
                    benchmark::DoNotOptimize(contender.map(*xs, bench::uniform_work{w}));
                  }});
      });
      const std::size_t cores = parallel::default_concurrency();
      const std::size_t rounds = (n + cores - 1) / cores; // elements on the thread with the most
      grid.bound(row, static_cast<double>(rounds) / static_cast<double>(n));
    }
  return grid.run(flags, 7, 0.02);
}
