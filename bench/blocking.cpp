// Question: what does a pool for blocking calls cost when they block, and when they do not?
//
// Trivial calls, for which a pool should not wake its threads; calls that sleep for ten
// milliseconds, which should all sleep at once, as far as there are threads; how long a task waits
// for its start; what threads cost in memory, and an idle pool in processor time. In each row all
// contenders take turns, several times.
#include "blocking_contenders.hpp"
#include "command_line.hpp"
#include "json_file.hpp"
#include "statistics.hpp"

#include <parallel/io_pool.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What the JSON file says of one contender's rounds in a row.
void keep(bench::json_file& file, const std::string& name, std::size_t threads, std::size_t n,
          double ideal, const std::vector<double>& seconds) {
  std::vector<bench::json_file::run> runs;
  for (const double each : seconds) {
    bench::json_file::run one;
    one.run_name.function_name = name;
    one.run_type = bench::json_file::run::RT_Iteration;
    one.iterations = 1;
    one.repetitions = static_cast<std::int64_t>(seconds.size());
    one.repetition_index = static_cast<std::int64_t>(runs.size());
    one.time_unit = benchmark::kMillisecond;
    one.real_accumulated_time = each;
    one.counters["pool_threads"] = static_cast<double>(threads);
    one.counters["calls"] = static_cast<double>(n);
    if (ideal != 0)
      one.counters["ideal_seconds"] = ideal;
    runs.push_back(one);
  }
  file.add(runs);
}

/// One row: the median of every contender, in `unit`, per call or for all calls.
template <class F>
void row(bench::json_file& file, const std::string& title, std::size_t threads, std::size_t n,
         int rounds, double unit, bool blocks, const F& f) {
  std::vector<std::function<double()>> turns;
  std::vector<std::string> names;
  bench::for_each_blocking_contender([&]<class Contender>() {
    names.emplace_back(Contender::name);
    if (n > Contender::most_at_once) {
      turns.emplace_back();
      return;
    }
    turns.push_back([&, pool = std::make_shared<Contender>(threads)] {
      return seconds_of([&] { pool->run(n, f); });
    });
  });
  std::printf("%-34s", title.c_str());
  std::vector<std::vector<double>> times(turns.size());
  for (int round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < turns.size(); ++i)
      if (turns[i])
        times[i].push_back(turns[i]());
  const double ideal = blocks ? 0.010 * static_cast<double>((n + threads - 1) / threads) : 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const std::vector<double>& each = times[i];
    if (!each.empty())
      keep(file, title + '/' + names[i], threads, n, ideal, each);
    if (each.empty())
      std::printf(" %15s", "-");
    else if (blocks)
      std::printf(" %7.1f %6.3fx", bench::median(each) / unit, bench::median(each) / ideal);
    else
      std::printf(" %15.0f", bench::median(each) / static_cast<double>(n) / unit);
  }
  std::printf("\n");
  std::fflush(stdout);
}

/// The time from submit() to the first line of the task, measured `times` times; `before` runs
/// before each.
void latency(const char* title, parallel::io_pool& pool, int times,
             const std::function<void()>& before) {
  std::vector<double> waits;
  for (int i = 0; i < times; ++i) {
    before();
    const auto start = std::chrono::steady_clock::now();
    const auto begun = pool.submit([] { return std::chrono::steady_clock::now(); }).get();
    waits.push_back(std::chrono::duration<double, std::micro>(begun - start).count());
  }
  std::ranges::sort(waits);
  std::printf("%-34s %12.1f us %12.1f us\n", title, waits[waits.size() / 2],
              waits[waits.size() * 9 / 10]);
}

/// Resident memory of this process, in KiB; 0 where that cannot be told.
double resident_kib() {
  std::ifstream file("/proc/self/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
}

double processor_ms_of_a_second() {
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(1s);
  return 1e3 * static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
}

void latencies(int times) {
  std::printf("\n%-34s %15s %15s\n", "from submit() to the start", "median", "9 of 10 below");
  parallel::io_pool pool({.max_threads = 64});
  latency("one after another", pool, 20 * times, [] {});
  latency("after 5 ms of idleness", pool, times, [] { std::this_thread::sleep_for(5ms); });
  std::latch blocked(32);
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  for (int i = 0; i < 32; ++i)
    pool.submit([&blocked, released] {
      blocked.count_down();
      released.wait();
    });
  blocked.wait();
  latency("32 other threads blocked", pool, times, [] { std::this_thread::sleep_for(5ms); });
  release.set_value();
}

void threads_at_rest() {
  constexpr std::size_t threads = 256;
  const double none = resident_kib();
  parallel::io_pool pool({.max_threads = threads, .idle_timeout = 2s});
  std::latch all(threads);
  double blocked = 0;
  parallel::for_each(pool, std::views::iota(std::size_t{0}, threads), [&](std::size_t i) {
    all.arrive_and_wait();
    if (i == 0)
      blocked = resident_kib();
  });
  std::this_thread::sleep_for(100ms);
  const double idle = resident_kib();
  const double processor_ms = processor_ms_of_a_second();
  std::printf(
      "\n%zu threads: %.1f KiB of memory each while blocked, %.1f idle; idle they take %.2f "
      "ms of processor time a second",
      threads, (blocked - none) / threads, (idle - none) / threads, processor_ms);
  std::fflush(stdout);
  while (pool.threads() != 0)
    std::this_thread::sleep_for(100ms);
  std::printf(", and have left after two\n");
}

} // namespace

int main(int argc, char** argv) {
  bench::command_line flags(
      "Blocking calls, and trivial ones, on pools of many threads, by all contenders.",
      "Of Google Benchmark's flags, --benchmark_out alone has an effect.");
  std::size_t part = 1;
  std::string json;
  flags.add_option("--part", part, "100 for a hundredth of the work, and fewer rounds")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  flags.add_option("--benchmark_out", json, "write every measurement to this file, in JSON");
  CLI11_PARSE(flags, argc, argv);
  if (!bench::start(flags, {}))
    return 2;
  bench::json_file file(json);
  const bool quick = part > 1;
  const int rounds = quick ? 1 : 5;

  std::printf("%-34s", "");
  bench::for_each_blocking_contender(
      []<class Contender>() { std::printf(" %15s", Contender::name); });
  std::printf("\n");

  std::atomic<std::size_t> calls{0};
  const auto trivial = [&](std::size_t) { calls.fetch_add(1, std::memory_order_relaxed); };
  const std::size_t many = 100'000 / part;
  row(file, "trivial, 2 threads: ns a call", 2, many, rounds, 1e-9, false, trivial);
  row(file, "trivial, up to 64 threads", 64, many, rounds, 1e-9, false, trivial);

  const auto sleep = [](std::size_t) { std::this_thread::sleep_for(10ms); };
  const auto sleeps = [&](std::size_t n, std::size_t threads, int times, const char* unit) {
    row(file, std::to_string(n) + " x 10 ms, " + std::to_string(threads) + " threads" + unit,
        threads, n, times, 1e-3, true, sleep);
  };
  sleeps(1'000 / part, 64, rounds, ": ms");
  for (const std::size_t threads : {64U, 256U, 1'000U})
    sleeps(10'000 / part, threads, quick ? 1 : 3, "");
  std::printf("(x: of the ideal, %s)\n", "as many sleeps one after another as each thread has");

  latencies(quick ? 10 : 300);
  threads_at_rest();
}
