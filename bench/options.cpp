// Question: what does a call's option cost, when there is nothing for it to do?
//
// Calls with the option and calls without it take turns, one by one. The same call against itself
// shows how much of a difference is noise.
#include "kernels.hpp"
#include "statistics.hpp"

#include <parallel/map.hpp>

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

/// A stop condition that never becomes true.
struct never {
  [[nodiscard]] bool stop_requested() const noexcept { return false; }
};

/// A type for each measured call, so that each has a call site of its own, as in a program.
template <int>
struct work : bench::uniform_work {};

struct shape {
  std::size_t n;
  std::uint32_t steps;
};

double seconds_of(const auto& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Middle, and the quarters' limits, of (time with the option / time without) over `pairs` pairs.
template <int Row>
void row(const char* title, shape of, int pairs, const parallel::map_options& options) {
  const std::vector<std::uint64_t> xs = bench::numbers(of.n);
  const auto without = [&] {
    benchmark::DoNotOptimize(parallel::map(xs, work<2 * Row>{{of.steps}}));
  };
  const auto with = [&] {
    benchmark::DoNotOptimize(parallel::map(xs, work<2 * Row + 1>{{of.steps}}, options));
  };
  std::vector<double> ratios;
  std::vector<double> times;
  for (int pair = -pairs / 10; pair < pairs;
       ++pair) { // those below 0 are not counted: call sites learn
    double before = 0;
    double after = 0;
    if (pair % 2 == 0) {
      before = seconds_of(without);
      after = seconds_of(with);
    } else {
      after = seconds_of(with);
      before = seconds_of(without);
    }
    if (pair < 0)
      continue;
    ratios.push_back(after / before);
    times.push_back(before);
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("%-24s n=%-7zu w=%-5u %10s %10.4fx %9.4fx %9.4fx\n", title, of.n, of.steps,
              bench::time_text(bench::median(times)).c_str(), bench::median(ratios),
              ratios[ratios.size() / 4], ratios[ratios.size() * 3 / 4]);
  std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
  CLI::App flags("Calls with an option against calls without it.");
  bool quick = false;
  flags.add_flag("--quick", quick, "a hundredth of the work: to see whether it runs");
  CLI11_PARSE(flags, argc, argv);
  const int pairs = quick ? 20 : 2'000;

  std::printf("%-24s %-17s %10s %11s %21s\n", "", "", "without", "with", "a quarter below, above");
  std::size_t reports = 0;
  for (const shape of : {shape{10'000, 300}, shape{100, 300}}) {
    row<0>("none: the same call", of, pairs, {});
    row<1>("progress", of, pairs, {.progress = [&](const parallel::progress&) { ++reports; }});
    row<2>("stop", of, pairs, {.stop = never{}});
    row<3>("deadline", of, pairs, {.deadline = 1h});
    row<4>("grain", of, pairs, {.grain = 64});
  }
  benchmark::DoNotOptimize(reports);
}
