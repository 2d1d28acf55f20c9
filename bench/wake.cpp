// Question: what does a call cost whose workers have gone to sleep, and what does an idle pool?
//
// Each call comes after 50 ms of idleness. Then the time that the machine takes to wake one thread,
// from which follows the least that such a call can take; and the processor time that a pool takes
// in the second after a call, while it is given no work.
#include "bare_wake.hpp"
#include "contenders.hpp"
#include "contest.hpp"
#include "kernels.hpp"

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

void idle(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
}

/// Processor time in the second after a call. Before the call all threads have come to rest.
template <class Contender>
double idle_microseconds(Contender, const std::vector<std::uint64_t>& xs) {
  idle(std::chrono::milliseconds(500));
  benchmark::DoNotOptimize(Contender::map(xs, bench::uniform_work{1'280}));
  const std::clock_t before = std::clock();
  idle(std::chrono::milliseconds(1'000));
  return 1e6 * static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
}

} // namespace

int main(int argc, char** argv) {
  bench::contest_command_line flags("Calls after 50 ms of idleness, by all contenders.");
  CLI11_PARSE(flags, argc, argv);

  bench::contest table("wake, each call after 50 ms of idleness");
  for (const std::size_t n : {20U, 50U, 100U, 200U, 500U, 2'000U}) {
    const std::string row = "cold, " + std::to_string(n) + " x w=1280";
    const auto xs = std::make_shared<const std::vector<std::uint64_t>>(bench::numbers(n));
    bench::for_each_contender([&](auto contender) {
      table.add({row, contender.name,
                 [xs, contender] {
                   benchmark::DoNotOptimize(contender.map(*xs, bench::uniform_work{1'280}));
                 },
                 [] { idle(std::chrono::milliseconds(50)); }, 10});
    });
  }
  const int status = table.run(flags, 9, 1);

  const auto wake = bench::bare_wake().measure(21, [] { idle(std::chrono::milliseconds(50)); });
  std::printf(
      "\na thread that sleeps runs %.0f us after its wake, which takes %.0f us of its waker's: "
      "work of W us\ntakes two threads (W + %.0f us) / 2 at least, or one alone W\n",
      wake.woken, wake.waker, wake.woken + wake.waker);

  std::printf("\nprocessor time in the second after a call of 200 x w=1280\n");
  bench::for_each_contender([&](auto contender) {
    std::printf("%-26s %10.0f us\n", contender.name,
                idle_microseconds(contender, bench::numbers(200)));
  });
  return status;
}
