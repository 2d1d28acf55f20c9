// Question: how quickly does a map go that only moves memory, its fresh result included?
//
// out[i] = 2 x[i] + 1 over floats. Each result is memory fresh from the system, which must fill its
// pages with zeros first: most of the plain loop's time. With --reused, results of less than 32 MiB
// are memory that the program has used and freed before, as malloc keeps it.
#include "contenders.hpp"
#include "contest.hpp"

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <malloc.h>

int main(int argc, char** argv) {
  bench::contest_command_line flags("2 x + 1 over up to 50 million floats, by all contenders.");
  bool reused = false;
  flags.add_flag("--reused", reused, "leave malloc free to hand out memory again");
  CLI11_PARSE(flags, argc, argv);
  if (!reused)
    mallopt(M_MMAP_THRESHOLD, 128 * 1024); // and keep it there: by itself it grows with each free

  bench::contest table("memory");
  for (const std::size_t n :
       {1'000U, 10'000U, 100'000U, 1'000'000U, 3'000'000U, 10'000'000U, 50'000'000U}) {
    const std::string row = std::to_string(n) + " floats";
    if (!flags.wants(row))
      continue;
    const auto xs = std::make_shared<const std::vector<float>>(n, 1.5F);
    bench::for_each_contender([&](auto contender) {
      table.add({row, contender.name, [xs, contender] {
                   benchmark::DoNotOptimize(contender.map(*xs, [](float x) { return 2 * x + 1; }));
                 }});
    });
  }
  return table.run(flags, 9, 0.05);
}
