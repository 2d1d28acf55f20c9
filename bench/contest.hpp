// A contest: the same work by every contender, interleaved, as one table of medians.
//
// A program registers rows (a case, such as n = 10 and 300 multiplications) with an entry for each
// contender; Google Benchmark times row after row, the entries of a row in random order and several
// times over, so that a change in the machine's speed meets all alike. allocations.hpp counts.
#pragma once

#include "allocations.hpp"
#include "command_line.hpp"
#include "contenders.hpp"
#include "json_file.hpp"
#include "statistics.hpp"

#include <parallel/progress.hpp>
#include <parallel/thread_pool.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

/// The command line of a contest.
class contest_command_line : public command_line {
 public:
  explicit contest_command_line(const std::string& about)
      : command_line(about,
                     "Google Benchmark's flags work too, such as --benchmark_repetitions=5.") {
    add_option("--only", only_, "only the rows whose name contains this text");
    add_flag("--details", details_,
             "for every contender: spread, efficiency, processor time, allocations");
    add_option("--benchmark_out", json_, "write every measurement to this file, in JSON");
  }

  [[nodiscard]] const std::string& json() const { return json_; }

  [[nodiscard]] bool details() const { return details_; }

  [[nodiscard]] bool wants(const std::string& row) const {
    return row.find(only_) != std::string::npos;
  }

 private:
  std::string only_;
  std::string json_;
  bool details_ = false;
};

class contest {
 public:
  explicit contest(std::string title) : title_(std::move(title)) {}

  /// Something to time: `work` is one call of what is measured.
  struct entry {
    std::string row;
    std::string contender;
    std::function<void()> work;
    /// Called before every single call, untimed; each call is then timed on its own.
    std::function<void()> before = {};
    /// Calls a repetition when there is a `before`.
    int calls = 1;
  };

  void add(entry added) {
    ++entries_[added.row];
    if (std::find(rows_.begin(), rows_.end(), added.row) == rows_.end())
      rows_.push_back(added.row);
    if (std::find(contenders_.begin(), contenders_.end(), added.contender) == contenders_.end())
      contenders_.push_back(added.contender);
    const std::string name = added.row + '/' + added.contender;
    auto* made = added.before ? benchmark::RegisterBenchmark(name.c_str(), timed_by_hand(added))
                              : benchmark::RegisterBenchmark(name.c_str(), timed(added));
    made->MeasureProcessCPUTime()->Unit(benchmark::kMicrosecond);
    if (added.before)
      made->UseManualTime()->Iterations(added.calls);
    else
      made->UseRealTime();
  }

  /// The least time that a row could take, as a share of its serial time: 1 / cores if the work can
  /// be split evenly. The efficiency in the table is measured against it.
  void bound(const std::string& row, double share) { bounds_[row] = share; }

  /// Measures, prints the table and returns what main() returns.
  int run(const contest_command_line& flags, int repetitions, double seconds_each) {
    benchmark::AddCustomContext("title", title_);
    for_each_contender([this](auto contender) { check_agrees(contender); });
    if (disagree_)
      return 1;
    char min_time[48];
    std::snprintf(min_time, sizeof min_time, "--benchmark_min_time=%g", seconds_each);
    if (!start(flags, {"--benchmark_enable_random_interleaving=true",
                       "--benchmark_repetitions=" + std::to_string(repetitions), min_time}))
      return 2;
    std::size_t expected = 0;
    for (const std::string& row : rows_)
      expected += flags.wants(row) ? entries_[row] : 0;
    {
      reporter collected(runs_, flags.json(), expected);
      for (const std::string& row : rows_) // which, as a regular expression, matches itself
        if (flags.wants(row))
          benchmark::RunSpecifiedBenchmarks(&collected, "^" + row + "/.*");
    }
    benchmark::Shutdown();
    if (runs_.empty()) {
      std::fprintf(stderr, "no row of that name; there are:\n");
      for (const std::string& row : rows_)
        std::fprintf(stderr, "  %s\n", row.c_str());
      return 2;
    }
    print();
    if (flags.details())
      print_details();
    return 0;
  }

 private:
  struct measurements {
    std::vector<double> seconds;
    std::vector<double> cpu_per_wall;
    double allocations = 0;
  };
  using results = std::map<std::string, measurements>;

  /// Checks that all contenders do the same: map a few hundred numbers to the same results.
  template <class Contender>
  void check_agrees(Contender) {
    std::vector<std::uint64_t> xs(777);
    std::iota(xs.begin(), xs.end(), 0);
    const auto f = [](std::uint64_t x) { return x * x + 1; };
    if (Contender::map(xs, f) == plain_loop::map(xs, f))
      return;
    std::fprintf(stderr, "%s gives other results than the plain loop\n", Contender::name);
    disagree_ = true;
  }

  /// Waits until the threads of the previous contender have gone to sleep. (LLVM's OpenMP spins for
  /// 200 milliseconds.)
  static void settle() {
#ifdef __clang__
    std::this_thread::sleep_for(std::chrono::milliseconds(220));
#else
    std::this_thread::sleep_for(std::chrono::milliseconds(15));
#endif
  }

  /// Makes untimed calls first, in which threads are started and call sites learn; of a long call
  /// only two, before its first repetition.
  static double count_allocations(const std::function<void()>& work,
                                  std::optional<double>& of_long_one) {
    if (of_long_one)
      return *of_long_one;
    work();
    const auto start = std::chrono::steady_clock::now();
    const double of_second = allocations_per_call(1, work);
    if (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(10))
      return allocations_per_call(8, work);
    of_long_one = of_second;
    return of_second;
  }

  std::function<void(benchmark::State&)> timed(const entry& added) const {
    return [this, row = added.row, work = added.work,
            counted = std::make_shared<std::optional<double>>()](benchmark::State& state) {
      settle();
      state.counters["allocations"] = count_allocations(work, *counted);
      state.counters["ideal_speedup"] = 1 / bound_of(row);
      for ([[maybe_unused]] auto step : state)
        work();
    };
  }

  std::function<void(benchmark::State&)> timed_by_hand(const entry& added) const {
    return [this, row = added.row, work = added.work, before = added.before,
            counted = std::make_shared<std::optional<double>>()](benchmark::State& state) {
      state.counters["allocations"] = count_allocations(work, *counted);
      state.counters["ideal_speedup"] = 1 / bound_of(row);
      for ([[maybe_unused]] auto step : state) {
        before();
        const auto start = std::chrono::steady_clock::now();
        work();
        state.SetIterationTime(
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      }
    };
  }

  /// Keeps every run, here and in the JSON file, and shows on the console that the program is
  /// running.
  class reporter final : public benchmark::BenchmarkReporter {
   public:
    reporter(results& kept, const std::string& json, std::size_t expected)
        : kept_(kept), json_(json), expected_(expected) {}

    bool ReportContext(const Context&) override { return true; }

    void ReportRuns(const std::vector<Run>& runs) override {
      for (const Run& run : runs) {
        if (run.run_type != Run::RT_Iteration || run.iterations == 0)
          continue;
        std::string name = run.run_name.function_name;
        measurements& kept = kept_[name];
        kept.seconds.push_back(run.real_accumulated_time / static_cast<double>(run.iterations));
        if (run.run_name.time_type.find("manual") == std::string::npos) // else with the pauses
          kept.cpu_per_wall.push_back(run.cpu_accumulated_time / run.real_accumulated_time);
        if (const auto found = run.counters.find("allocations"); found != run.counters.end())
          kept.allocations = std::max(kept.allocations, double{found->second.value});
      }
      json_.add(runs);
      ++done_;
      const std::chrono::duration<double> since = std::chrono::steady_clock::now() - begun_;
      bar_({.done = done_,
            .total = expected_,
            .seconds = since.count(),
            .last = done_ == expected_});
    }

   private:
    results& kept_;
    json_file json_;
    std::size_t expected_;
    std::size_t done_ = 0;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    parallel::progress_bar bar_{"measured"};
  };

  void print() {
    std::printf("\n%s: medians of the whole call, result included\n%-26s", title_.c_str(), "");
    for (const std::string& contender : contenders_)
      std::printf(" %13s", contender.c_str());
    std::printf(" | %8s %9s %6s %5s %6s\n", "speed-up", "best peer", "of max", "cpu", "allocs");
    for (const std::string& row : rows_)
      if (runs_.count(row + '/' + contenders_[0]) != 0)
        print(row);
    if (const std::string missing = missing_contenders(); !missing.empty())
      std::printf("\nnot found:%s\n", missing.c_str());
    std::printf(
        "\n%d of %zu rows (marked s) take more than 5 %% + 30 ns longer than the plain loop, %d "
        "(marked p) more than\n10 %% longer than the best peer.\n"
        "speed-up: serial / parallel::map. best peer: the quickest other one / parallel::map; "
        "above "
        "1 parallel::map\nleads. of max: the speed-up as a share of the most that %zu perfect "
        "threads could reach. cpu: processor time\nover wall time. allocs: allocations a call more "
        "than the plain loop's. Columns right of | are of parallel::map.\n",
        slower_than_serial_, rows_shown_, slower_than_peer_, parallel::default_concurrency());
  }

  void print(const std::string& row) {
    std::printf("%-26s", row.c_str());
    const double serial = median(runs_[row + '/' + contenders_[0]].seconds);
    const measurements& own = runs_[row + '/' + contenders_[1]];
    double best_peer = 0;
    for (const std::string& contender : contenders_) {
      const auto found = runs_.find(row + '/' + contender);
      const double seconds = found == runs_.end() ? 0 : median(found->second.seconds);
      std::printf(" %13s", seconds == 0 ? "-" : time_text(seconds).c_str());
      if (contender != contenders_[0] && contender != contenders_[1] && seconds != 0)
        best_peer = best_peer == 0 ? seconds : std::min(best_peer, seconds);
    }
    const double mapped = median(own.seconds);
    std::printf(" | %7.2fx", serial / mapped);
    if (best_peer == 0)
      std::printf(" %9s", "-");
    else
      std::printf(" %8.2fx", best_peer / mapped);
    std::printf(" %5.0f%%", 100 * serial / mapped * bound_of(row));
    if (own.cpu_per_wall.empty())
      std::printf(" %5s", "-");
    else
      std::printf(" %5.2f", median(own.cpu_per_wall));
    const bool behind_serial = mapped > 1.05 * serial + 30e-9;
    const bool behind_peer = best_peer != 0 && mapped > 1.1 * best_peer;
    std::printf(" %6.2f %s%s\n", own.allocations - runs_[row + '/' + contenders_[0]].allocations,
                behind_serial ? "s" : "", behind_peer ? "p" : "");
    ++rows_shown_;
    slower_than_serial_ += behind_serial ? 1 : 0;
    slower_than_peer_ += behind_peer ? 1 : 0;
  }

  /// The least time that a row could take, as a share of its serial time.
  [[nodiscard]] double bound_of(const std::string& row) const {
    const auto found = bounds_.find(row);
    return found != bounds_.end() ? found->second
                                  : 1 / static_cast<double>(parallel::default_concurrency());
  }

  void print_details() {
    std::printf("\n%-26s %-13s %9s %21s %6s %5s %6s\n", "details", "", "median",
                "quickest, slowest", "of max", "cpu", "allocs");
    for (const std::string& row : rows_)
      for (const std::string& contender : contenders_)
        if (const auto found = runs_.find(row + '/' + contender); found != runs_.end())
          print_details(row, contender, found->second);
  }

  void print_details(const std::string& row, const std::string& contender,
                     const measurements& measured) {
    const auto [quickest, slowest] =
        std::minmax_element(measured.seconds.begin(), measured.seconds.end());
    const measurements& serial = runs_[row + '/' + contenders_[0]];
    const double seconds = median(measured.seconds);
    std::printf("%-26s %-13s %9s %10s %10s %5.0f%% ", row.c_str(), contender.c_str(),
                time_text(seconds).c_str(), time_text(*quickest).c_str(),
                time_text(*slowest).c_str(),
                100 * median(serial.seconds) / seconds * bound_of(row));
    if (measured.cpu_per_wall.empty())
      std::printf("%5s", "-");
    else
      std::printf("%5.2f", median(measured.cpu_per_wall));
    std::printf(" %6.2f\n", measured.allocations - serial.allocations);
  }

  std::string title_;
  std::vector<std::string> rows_;
  std::vector<std::string> contenders_;        // the plain loop, this library, its peers
  std::map<std::string, std::size_t> entries_; // how many each row has
  std::map<std::string, double> bounds_;
  results runs_;
  std::size_t rows_shown_ = 0;
  int slower_than_serial_ = 0;
  int slower_than_peer_ = 0;
  bool disagree_ = false;
};

} // namespace bench
