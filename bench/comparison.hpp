// What comparisons share: named measurements, and the table at the end.
//
// A program describes what to measure and which pairs to compare; Google Benchmark measures;
// the table sets serial against pooled, with the ideal and the talk's own figures beside them. With
// --benchmark_out all that is in a JSON file too, from which bench/python and bench/report go on.
#pragma once

#include "command_line.hpp"
#include "statistics.hpp"

#include <parallel/progress.hpp>
#include <parallel/thread_pool.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
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

/// What a row is compared with in Python: a measurement of bench/python, and the talk's own two
/// times in seconds, 0 where it has none.
struct opposite {
  std::string python = {};
  double talk_serial = 0;
  double talk_pooled = 0;
};

/// The command line of a comparison.
class comparison_command_line : public command_line {
 public:
  explicit comparison_command_line(const std::string& about)
      : command_line(about, "Google Benchmark's flags work too, such as --benchmark_repetitions=5, "
                            "--benchmark_filter=… and --benchmark_out=FILE.json.") {
    add_option("--table", table_file, "append the table's rows to this file, tab-separated");
  }

  std::string table_file;
};

/// A comparison: measure() what is to be timed, add a row() for each pair to compare, then run().
class comparison {
 public:
  /// `bound` heads the column of the speed-ups to measure up to.
  explicit comparison(std::string title, std::string bound = "ideal")
      : title_(std::move(title)), bound_(std::move(bound)) {}

  /// Times one run of `work` in real time. If it throws, the measurement and the program fail.
  void measure(const std::string& name, std::function<void()> work) {
    ++measurements_;
    benchmark::RegisterBenchmark(name.c_str(),
                                 [this, name, work = std::move(work)](benchmark::State& state) {
                                   try {
                                     for ([[maybe_unused]] auto step : state)
                                       work();
                                   } catch (const std::exception& error) {
                                     failed_ = true;
                                     state.SkipWithError(error.what());
                                   }
                                   annotate(name, state);
                                   show_progress();
                                 })
        ->UseRealTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }

  /// A serial time that is computed, not measured, because measuring it would take too long.
  void assume(const std::string& name, double seconds) { assumed_[name] = seconds; }

  /// A line of the table: two measurements by name, the best speed-up there could be, and its
  /// counterpart in Python.
  void row(std::string what, std::string serial, std::string pooled, double ideal,
           opposite python = {}) {
    rows_.push_back(
        {std::move(what), std::move(serial), std::move(pooled), ideal, std::move(python)});
  }

  /// Measures everything `repetitions` times in random order, so that a change in the machine's
  /// speed meets all alike, prints the table of medians, and returns what main() returns.
  int run(const comparison_command_line& flags, int repetitions) {
    benchmark::AddCustomContext("title", title_);
    if (!start(flags, {"--benchmark_enable_random_interleaving=true",
                       "--benchmark_repetitions=" + std::to_string(repetitions)}))
      return 2;
    reporter collected(times_);
    total_ = expected(flags, repetitions);
    begun_ = std::chrono::steady_clock::now();
    benchmark::RunSpecifiedBenchmarks(&collected);
    show_progress(true);
    collected.show();
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
    opposite python;
  };

  /// What the JSON says of a measurement besides its times.
  void annotate(const std::string& name, benchmark::State& state) const {
    for (const line& row : rows_) {
      if (row.pooled != name)
        continue;
      state.SetLabel(row.what + (row.python.python.empty() ? "" : " | " + row.python.python));
      state.counters["ideal_speedup"] = row.ideal;
      if (const auto found = assumed_.find(row.serial); found != assumed_.end())
        state.counters["assumed_serial_seconds"] = found->second;
      if (row.python.talk_serial != 0) {
        state.counters["talk_serial_seconds"] = row.python.talk_serial;
        state.counters["talk_pooled_seconds"] = row.python.talk_pooled;
      }
    }
  }

  /// How many measurements there will be; unknown when flags of the library's own decide that.
  [[nodiscard]] std::size_t expected(const comparison_command_line& flags, int repetitions) const {
    for (const std::string& flag : flags.remaining())
      if (flag.starts_with("--benchmark_repetitions") || flag.starts_with("--benchmark_filter"))
        return parallel::progress::unknown;
    return measurements_ * static_cast<std::size_t>(repetitions);
  }

  void show_progress(bool last = false) {
    done_ += last ? 0 : 1;
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - begun_;
    bar_({.done = done_, .total = total_, .seconds = since.count(), .last = last});
  }

  /// Prints the usual console output, at the end and with only the statistics of what is repeated,
  /// and keeps all times.
  class reporter final : public benchmark::ConsoleReporter {
   public:
    explicit reporter(times& kept) : ConsoleReporter(OO_None), kept_(kept) {}

    void ReportRuns(const std::vector<Run>& runs) override {
      for (const Run& run : runs) {
        if (run.run_type == Run::RT_Aggregate || run.repetitions == 1) {
          shown_.push_back(run);
          shown_.back().counters.clear(); // print() has them
          shown_.back().report_label.clear();
        }
        if (run.run_type == Run::RT_Iteration && run.iterations > 0)
          kept_[run.run_name.function_name].push_back(run.real_accumulated_time /
                                                      static_cast<double>(run.iterations));
      }
    }

    void show() {
      if (!shown_.empty())
        ConsoleReporter::ReportRuns(shown_);
    }

   private:
    times& kept_;
    std::vector<Run> shown_;
  };

  [[nodiscard]] double median_of(const std::string& name) const {
    if (const auto assumed = assumed_.find(name); assumed != assumed_.end())
      return assumed->second;
    const auto found = times_.find(name);
    return found == times_.end() ? 0 : median(found->second);
  }

  /// The last column: what the talk saw, or why there is no serial time.
  [[nodiscard]] std::string remark(const line& row) const {
    if (assumed_.count(row.serial) != 0)
      return "(serial: the sum of the delays, not run)";
    const opposite& talk = row.python;
    if (talk.talk_serial == 0)
      return {};
    char text[64];
    const double speedup = talk.talk_serial / talk.talk_pooled;
    std::snprintf(text, sizeof text, speedup < 10 ? "%g s -> %g s, %.2fx" : "%g s -> %g s, %.1fx",
                  talk.talk_serial, talk.talk_pooled, speedup);
    return text;
  }

  /// False if it was left out by --benchmark_filter, or if it failed and was reported above.
  [[nodiscard]] bool was_measured(const line& row) const {
    return median_of(row.serial) != 0 && median_of(row.pooled) != 0;
  }

  void print(const std::string& table_file) const {
    if (std::none_of(rows_.begin(), rows_.end(),
                     [this](const line& row) { return was_measured(row); }))
      return;
    std::ofstream file;
    if (!table_file.empty())
      file.open(table_file, std::ios::app);
    const bool has_talk = std::any_of(rows_.begin(), rows_.end(),
                                      [](const line& row) { return row.python.talk_serial != 0; });
    std::printf("\n%-44s %10s %10s %9s %9s  %s\n", title_.c_str(), "serial", "pooled", "speed-up",
                bound_.c_str(), has_talk ? "the talk, in Python" : "");
    for (const line& row : rows_) {
      if (!was_measured(row))
        continue;
      const double serial = median_of(row.serial);
      const double pooled = median_of(row.pooled);
      char speedup[32];
      char ideal[32];
      std::snprintf(speedup, sizeof speedup, "%.2fx", serial / pooled);
      std::snprintf(ideal, sizeof ideal, "%.2fx", row.ideal);
      std::printf("  %-42s %10s %10s %9s %9s  %s\n", row.what.c_str(), seconds_text(serial).c_str(),
                  seconds_text(pooled).c_str(), speedup, ideal, remark(row).c_str());
      file << title_ << '\t' << row.what << '\t' << seconds_text(serial) << '\t'
           << seconds_text(pooled) << '\t' << speedup << '\t' << ideal << '\t' << row.python.python
           << '\t' << remark(row) << '\n';
    }
  }

  std::string title_;
  std::string bound_;
  std::vector<line> rows_;
  times times_;
  std::map<std::string, double> assumed_;
  std::size_t measurements_ = 0;
  std::size_t done_ = 0;
  std::size_t total_ = 0;
  std::chrono::steady_clock::time_point begun_;
  parallel::progress_bar bar_{"measured"};
  bool failed_ = false;
};

} // namespace bench
