// Question: what if a call site that has only ever seen small work is given large work?
//
// Before each timed call the same call site maps cheap elements twenty times, which this library
// remembers. Then the elements cost a thousand times as much: all of them, or those from the middle
// on. Peers remember nothing.
#include "contenders.hpp"
#include "contest.hpp"
#include "kernels.hpp"

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  bench::contest_command_line flags("A call that is a thousand times larger than the ones before.");
  CLI11_PARSE(flags, argc, argv);

  using costs = std::vector<std::uint32_t>;
  struct jump {
    const char* row;
    std::size_t n;
    std::size_t expensive_from;
  };
  bench::contest table("jump");
  for (const jump each :
       {jump{"100 x w=3 to w=3000", 100, 0}, jump{"2000 x w=3 to w=3000", 2'000, 0},
        jump{"2000 x w=3000 midway", 2'000, 1'000}}) {
    const auto before = std::make_shared<const costs>(each.n, 3U);
    costs made(each.n, 3U);
    for (std::size_t i = each.expensive_from; i < each.n; ++i)
      made[i] = 3'000;
    const auto after = std::make_shared<const costs>(std::move(made));
    bench::for_each_contender([&](auto contender) {
      const auto map = [contender](const costs& xs) {
        benchmark::DoNotOptimize(contender.map(xs, bench::own_work{}));
      };
      table.add({each.row, contender.name, [=] { map(*after); },
                 [=] {
                   for (int call = 0; call < 20; ++call)
                     map(*before);
                 },
                 20});
    });
  }
  return table.run(flags, 9, 1);
}
