// What comparisons share: named measurements, and the table at the end.
//
// A program describes what to measure and which pairs to compare; Google Benchmark measures;
// the table sets serial against pooled, with the ideal and the talk's own figures beside them.
#pragma once

#include "command_line.hpp"
#include "statistics.hpp"

#include <parallel/thread_pool.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// The thread counts to measure: 1, 2, … all cores; on wide machines doubling from 8 on.
inline std::vector<std::size_t> thread_counts() {
  const std::size_t all = parallel::default_concurrency();
  std::vector<std::size_t> counts;
  for (std::size_t n = 1; n < all; n += n < 8 ? 1 : n)
    counts.push_back(n);
  counts.push_back(all);
  return counts;
}

inline std::string threads_text(std::size_t n) {
  return std::to_string(n) + (n == 1 ? " thread" : " threads");
}

inline std::string seconds_text(double seconds) {
  char text[32];
  if (seconds < 1)
    std::snprintf(text, sizeof text, "%.1f ms", seconds * 1e3);
  else
    std::snprintf(text, sizeof text, "%.2f s", seconds);
  return text;
}

/// The command line of a comparison.
class comparison_command_line : public command_line {
 public:
  explicit comparison_command_line(const std::string& about)
      : command_line(about, ", --benchmark_filter=… and --benchmark_out=FILE.json.") {
    add_option("--table", table_file, "append the table's rows to this file, tab-separated");
  }

  std::string table_file;
};

/// A comparison: measure() what there is to time, row() what to set side by side, then run().
class comparison {
 public:
  /// `bound` heads the column of the speed-ups to measure up to.
  explicit comparison(std::string title, std::string bound = "ideal")
      : title_(std::move(title)), bound_(std::move(bound)) {}

  /// Times one run of `work` in real time. If it throws, the measurement and the program fail.
  void measure(const std::string& name, std::function<void()> work) {
    benchmark::RegisterBenchmark(name.c_str(),
                                 [this, name, work = std::move(work)](benchmark::State& state) {
                                   try {
                                     for ([[maybe_unused]] auto step : state)
                                       work();
                                   } catch (const std::exception& error) {
                                     failed_ = true;
                                     state.SkipWithError(error.what());
                                   }
                                 })
        ->UseRealTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }

  /// A serial time that is computed, not measured, because measuring it would take too long.
  void assume(const std::string& name, double seconds) { times_[name] = {seconds}; }

  /// A line of the table: two measurements by name, the best speed-up there could be, and what the
  /// talk saw.
  void row(std::string what, std::string serial, std::string pooled, double ideal,
           std::string talk = {}) {
    rows_.push_back(
        {std::move(what), std::move(serial), std::move(pooled), ideal, std::move(talk)});
  }

  /// Measures everything `repetitions` times in random order, so that a change in the machine's
  /// speed meets all alike, prints the table of medians, and returns what main() returns.
  int run(const comparison_command_line& flags, int repetitions) {
    if (!start(flags, {"--benchmark_enable_random_interleaving=true",
                       "--benchmark_repetitions=" + std::to_string(repetitions)}))
      return 2;
    reporter collected(times_);
    benchmark::RunSpecifiedBenchmarks(&collected);
    benchmark::Shutdown();
    print(flags.table_file);
    return failed_ ? 1 : 0;
  }

 private:
  using times = std::map<std::string, std::vector<double>>;

  struct line {
    std::string what;
    std::string serial;
    std::string pooled;
    double ideal;
    std::string talk;
  };

  /// The usual console output, with only the statistics of what is repeated; and all times kept.
  class reporter final : public benchmark::ConsoleReporter {
   public:
    explicit reporter(times& kept) : ConsoleReporter(OO_None), kept_(kept) {}

    void ReportRuns(const std::vector<Run>& runs) override {
      std::vector<Run> shown;
      for (const Run& run : runs) {
        if (run.run_type == Run::RT_Aggregate || run.repetitions == 1)
          shown.push_back(run);
        if (run.run_type == Run::RT_Iteration && run.iterations > 0)
          kept_[run.run_name.function_name].push_back(run.real_accumulated_time /
                                                      static_cast<double>(run.iterations));
      }
      if (!shown.empty())
        ConsoleReporter::ReportRuns(shown);
    }

   private:
    times& kept_;
  };

  [[nodiscard]] double median_of(const std::string& name) const {
    const auto found = times_.find(name);
    return found == times_.end() ? 0 : median(found->second);
  }

  void print(const std::string& table_file) const {
    std::ofstream file;
    if (!table_file.empty())
      file.open(table_file, std::ios::app);
    const bool has_talk =
        std::any_of(rows_.begin(), rows_.end(), [](const line& row) { return !row.talk.empty(); });
    std::printf("\n%-44s %10s %10s %9s %9s  %s\n", title_.c_str(), "serial", "pooled", "speed-up",
                bound_.c_str(), has_talk ? "the talk, in Python" : "");
    for (const line& row : rows_) {
      const double serial = median_of(row.serial);
      const double pooled = median_of(row.pooled);
      if (serial == 0 || pooled == 0)
        continue; // left out by --benchmark_filter, or failed and reported above
      char speedup[32];
      char ideal[32];
      std::snprintf(speedup, sizeof speedup, "%.2fx", serial / pooled);
      std::snprintf(ideal, sizeof ideal, "%.2fx", row.ideal);
      std::printf("  %-42s %10s %10s %9s %9s  %s\n", row.what.c_str(), seconds_text(serial).c_str(),
                  seconds_text(pooled).c_str(), speedup, ideal, row.talk.c_str());
      file << title_ << '\t' << row.what << '\t' << seconds_text(serial) << '\t'
           << seconds_text(pooled) << '\t' << speedup << '\t' << ideal << '\t' << row.talk << '\n';
    }
  }

  std::string title_;
  std::string bound_;
  std::vector<line> rows_;
  times times_;
  bool failed_ = false;
};

} // namespace bench
