// The command line of a bench program: its own options, and Google Benchmark's, handed on.
#pragma once

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace bench {

class command_line : public CLI::App {
 public:
  /// `more` names other flags of Google Benchmark's that make sense.
  explicit command_line(const std::string& about, const std::string& more) : App(about) {
    allow_extras();
    footer("Google Benchmark's flags work too, such as --benchmark_repetitions=5" + more);
  }
};

/// Starts Google Benchmark with the program's defaults and then the user's flags, so that these
/// win. False when there is one that nobody knows; that has been reported then.
inline bool start(const command_line& flags, const std::vector<std::string>& defaults) {
  std::vector<std::string> arguments{flags.get_name()};
  arguments.insert(arguments.end(), defaults.begin(), defaults.end());
  const std::vector<std::string> own = flags.remaining();
  arguments.insert(arguments.end(), own.begin(), own.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments)
    pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  return !benchmark::ReportUnrecognizedArguments(count, pointers.data());
}

} // namespace bench
