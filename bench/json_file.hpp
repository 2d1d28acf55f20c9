// A file in Google Benchmark's JSON for programs whose measurements do not run in one go.
//
// Google Benchmark writes --benchmark_out by itself, but starts the file anew with every call of
// RunSpecifiedBenchmarks, and it does not run what blocking.cpp times.
#pragma once

#include <benchmark/benchmark.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

class json_file {
 public:
  using run = benchmark::BenchmarkReporter::Run;

  /// Without a path nothing is written.
  explicit json_file(const std::string& path) {
    if (path.empty())
      return;
    file_.open(path);
    if (!file_)
      throw std::runtime_error(path + " cannot be written");
    reporter_.SetOutputStream(&file_);
    reporter_.ReportContext(benchmark::BenchmarkReporter::Context());
  }
  json_file(const json_file&) = delete;
  json_file& operator=(const json_file&) = delete;
  ~json_file() {
    if (file_.is_open())
      reporter_.Finalize();
  }

  void add(const std::vector<run>& runs) {
    if (file_.is_open())
      reporter_.ReportRuns(runs);
  }

 private:
  std::ofstream file_;
  benchmark::JSONReporter reporter_;
};

} // namespace bench
