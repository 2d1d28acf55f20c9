// The command line of a bench program: its own options, and those passed on to Google Benchmark.
#pragma once

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

namespace bench {

class command_line : public CLI::App {
 public:
  /// `more` says which of Google Benchmark's flags make sense.
  command_line(const std::string& about, const std::string& more) : App(about) {
    allow_extras();
    footer(more);
    add_option("--context", context_, "KEY=VALUE, any number of times: notes for the JSON file")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
  }

  /// Parses the command line as App does, and keeps it for the JSON file.
  void parse(int argc, const char* const* argv) {
    program_ = argv[0];
    command_ = program_;
    for (int i = 1; i < argc; ++i)
      if (std::strncmp(argv[i], "--context", 9) != 0)
        command_ += std::string(" ") + argv[i];
    App::parse(argc, argv);
  }

  [[nodiscard]] const std::string& program() const { return program_; }

  /// Writes to the JSON file what was measured, how, and with which compiler.
  void describe() const {
#ifdef __clang__
    benchmark::AddCustomContext("compiler", "Clang " __clang_version__);
#else
    benchmark::AddCustomContext("compiler", "GCC " __VERSION__);
#endif
    benchmark::AddCustomContext("command", command_);
    for (const std::string& note : context_) {
      const std::size_t equals = std::min(note.find('='), note.size());
      benchmark::AddCustomContext(note.substr(0, equals),
                                  equals < note.size() ? note.substr(equals + 1) : std::string());
    }
  }

 private:
  std::vector<std::string> context_;
  std::string program_;
  std::string command_;
};

/// Starts Google Benchmark with the program's defaults and then the user's flags, so that these
/// win. False when there is an unknown one, which has been reported then.
inline bool start(const command_line& flags, const std::vector<std::string>& defaults) {
  static std::vector<std::string> arguments; // the library keeps a pointer to the first
  arguments = {flags.program()};
  arguments.insert(arguments.end(), defaults.begin(), defaults.end());
  const std::vector<std::string> own = flags.remaining();
  arguments.insert(arguments.end(), own.begin(), own.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments)
    pointers.push_back(argument.data());
  flags.describe();
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  return !benchmark::ReportUnrecognizedArguments(count, pointers.data());
}

} // namespace bench
