// Question: what do threads buy for pure computation?
//
// The talk counted down from 50,000,000 in Python: 3.60 s on one thread and 3.66 s on two, because
// one interpreter lock lets one thread run at a time. Here: the plain loop, two plain threads, two
// threads under such a lock, and parallel::map over chunks.
#include "comparison.hpp"
#include "interpreter_lock.hpp"

#include <parallel/map.hpp>

#include <cstdint>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

/// The number one, which the compiler cannot know, so that it must really count.
volatile std::uint64_t unknown_one = 1;

/// Counts down to zero, one by one, and returns how many steps that took.
///
/// Each step waits for the product of the step before, so its time is a latency. A loop that only
/// subtracts runs at one step a cycle, and at half that speed whenever the core's other hardware
/// thread is busy: on shared machines this hides what is to be measured. Never inlined, so that
/// every variant runs the same instructions at the same address.
[[gnu::noinline]] std::uint64_t count_down(std::uint64_t n) {
  const std::uint64_t one = unknown_one;
  std::uint64_t steps = 0;
  for (; n != 0; n = n * one - 1)
    ++steps;
  return steps;
}

/// Counts down in slices of 1,000, with an interpreter's check between them.
std::uint64_t count_down(std::uint64_t n, bench::interpreter_lock& lock) {
  lock.acquire();
  std::uint64_t steps = 0;
  while (n != 0) {
    const std::uint64_t slice = n < 1000 ? n : 1000;
    steps += count_down(slice);
    n -= slice;
    lock.check();
  }
  lock.release();
  return steps;
}

/// [0, n) cut into `pieces` counts that differ by at most one.
std::vector<std::uint64_t> cut(std::uint64_t n, std::uint64_t pieces) {
  std::vector<std::uint64_t> counts;
  for (std::uint64_t i = 0; i < pieces; ++i)
    counts.push_back(n * (i + 1) / pieces - n * i / pieces);
  return counts;
}

void expect(std::uint64_t counted, std::uint64_t n) {
  if (counted != n)
    throw std::runtime_error("counted " + std::to_string(counted) + " steps instead of " +
                             std::to_string(n));
}

template <class CountHalf>
std::uint64_t in_two_threads(std::uint64_t n, CountHalf count_half) {
  const std::vector<std::uint64_t> halves = cut(n, 2);
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::thread one([&] { first = count_half(halves[0]); });
  std::thread two([&] { second = count_half(halves[1]); });
  one.join();
  two.join();
  return first + second;
}

} // namespace

int main(int argc, char** argv) {
  bench::comparison_command_line flags(
      "Counts down from N: the plain loop, threads, an interpreter lock, and "
      "parallel::map.");
  std::uint64_t n = 50'000'000;
  std::uint64_t pieces = 64;
  flags.add_option("--count", n, "N")->check(CLI::PositiveNumber)->capture_default_str();
  flags.add_option("--chunks", pieces, "chunks that parallel::map runs over")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI11_PARSE(flags, argc, argv);
  const std::vector<std::uint64_t> chunks = cut(n, pieces);
  const double cores = static_cast<double>(parallel::default_concurrency());

  benchmark::AddCustomContext("count", std::to_string(n));
  benchmark::AddCustomContext("chunks", std::to_string(pieces));
  bench::comparison table("countdown from " + std::to_string(n));
  table.measure("countdown/serial", [&] { expect(count_down(n), n); });
  table.measure("countdown/two_threads", [&] {
    expect(in_two_threads(n, [](std::uint64_t half) { return count_down(half); }), n);
  });
  table.measure("countdown/two_threads_interpreter_lock", [&] {
    bench::interpreter_lock lock;
    expect(in_two_threads(n, [&](std::uint64_t half) { return count_down(half, lock); }), n);
  });
  table.row("two threads, one interpreter lock", "countdown/serial",
            "countdown/two_threads_interpreter_lock", 1,
            {.python = "countdown/threads/2", .talk_serial = 3.60, .talk_pooled = 3.66});
  table.row("two plain std::threads", "countdown/serial", "countdown/two_threads",
            std::min(2.0, cores));
  for (const std::size_t threads : bench::thread_counts()) {
    const std::string name = "countdown/map/" + std::to_string(threads);
    const auto pool = std::make_shared<parallel::thread_pool>(threads);
    table.measure(name, [&, pool] {
      const auto steps =
          parallel::map(*pool, chunks, [](std::uint64_t chunk) { return count_down(chunk); });
      expect(std::accumulate(steps.begin(), steps.end(), std::uint64_t{0}), n);
    });
    // The thread with the most chunks ends last.
    const std::uint64_t most = (pieces + threads - 1) / threads;
    table.row("parallel::map, " + bench::threads_text(threads), "countdown/serial", name,
              static_cast<double>(pieces) / static_cast<double>(most),
              {.python = "countdown/Pool/" + std::to_string(threads)});
  }
  return table.run(flags, 31);
}
