// Question: does a loop stay balanced when its elements cost very different amounts?
//
// 10,000 elements of 300 multiplications on average, in eight shapes. The column "of max" takes
// into account that the most expensive element cannot be divided.
#include "contenders.hpp"
#include "contest.hpp"
#include "kernels.hpp"

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace {

constexpr std::size_t n = 10'000;
constexpr std::uint32_t mean = 300;

using costs = std::vector<std::uint32_t>;

/// Costs from a function of the index.
template <class Cost>
costs shape(const Cost& cost) {
  costs made(n);
  for (std::size_t i = 0; i < n; ++i)
    made[i] = static_cast<std::uint32_t>(cost(i));
  return made;
}

/// 1 % of the elements, those that `chosen` picks, hold 90 % of the cost.
template <class Chosen>
costs skewed(const Chosen& chosen) {
  return shape([&](std::size_t i) { return chosen(i) ? mean * 90 : mean * 10 / 99; });
}

} // namespace

int main(int argc, char** argv) {
  bench::contest_command_line flags("10,000 elements of uneven cost, by all contenders.");
  CLI11_PARSE(flags, argc, argv);

  bench::contest table("balance");
  const auto add = [&](const std::string& row, costs made) {
    const double total = std::accumulate(made.begin(), made.end(), 0.0);
    const double longest = *std::max_element(made.begin(), made.end());
    table.bound(
        row, std::max(1 / static_cast<double>(parallel::default_concurrency()), longest / total));
    const auto xs = std::make_shared<const costs>(std::move(made));
    bench::for_each_contender([&](auto contender) {
      table.add({row, contender.name, [xs, contender] {
                   benchmark::DoNotOptimize(contender.map(*xs, bench::own_work{}));
                 }});
    });
  };
  add("uniform", shape([](std::size_t) { return mean; }));
  add("heavy head: 1 % hold 90 %", skewed([](std::size_t i) { return i < n / 100; }));
  add("heavy tail: 1 % hold 90 %", skewed([](std::size_t i) { return i >= n - n / 100; }));
  add("heavy middle", skewed([](std::size_t i) { return i / (n / 100) == 50; }));
  add("spikes, every 100th", skewed([](std::size_t i) { return i % 100 == 37; }));
  add("rising triangle", shape([](std::size_t i) { return 2 * mean * i / n; }));
  add("falling triangle", shape([](std::size_t i) { return 2 * mean * (n - i) / n; }));
  add("one giant last: 40 %",
      shape([](std::size_t i) { return i + 1 == n ? 4 * mean * n / 10 : mean * 6 / 10; }));
  return table.run(flags, 9, 0.05);
}
