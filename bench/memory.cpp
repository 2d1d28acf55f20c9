// Question: how quickly does a map go that only moves memory, its fresh result included?
//
// out[i] = 2 x[i] + 1 over floats. Pages that the system hands out for the result must be filled
// with zeros first: half of the plain loop's time.
#include "contenders.hpp"
#include "contest.hpp"

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  bench::contest_command_line flags("2 x + 1 over up to 50 million floats, by everybody.");
  CLI11_PARSE(flags, argc, argv);

  bench::contest table("memory");
  for (const std::size_t n : {100'000, 1'000'000, 3'000'000, 10'000'000, 50'000'000}) {
    const std::string row = std::to_string(n) + " floats";
    const auto xs = std::make_shared<const std::vector<float>>(n, 1.5F);
    bench::for_each_contender([&](auto contender) {
      table.add({row, contender.name, [xs, contender] {
                   benchmark::DoNotOptimize(contender.map(*xs, [](float x) { return 2 * x + 1; }));
                 }});
    });
  }
  return table.run(flags, 9, 0.05);
}
