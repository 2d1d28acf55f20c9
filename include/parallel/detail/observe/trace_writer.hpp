// The file that a traced program's events go to, which is valid JSON after every write.
//
// Each write takes back the file's last line, which closes the JSON, and puts it behind the new
// events. So a program that is killed leaves a valid file, unless that cuts a write short. The
// format is Chrome's Trace Event Format (as a JSON object), which ui.perfetto.dev and
// chrome://tracing open.
#pragma once

#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/locked_file.hpp>
#include <parallel/detail/platform/process.hpp>

#ifdef PARALLEL_ENABLE_TRACE

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>

namespace parallel::detail {

/// A number that tells more of an event.
struct trace_argument {
  const char* name = nullptr; // null: there is no argument; a literal, as all names are
  std::uint64_t value = 0;
};

struct trace_event {
  const char* name;
  char phase; // B begin, E end of what has begun last on this thread, i instant
  trace_argument arguments[2];
  std::int64_t ns = 0; // since the trace began
};

/// Writes events in groups: put() any number of them, at most `most_events`, then write(). For one
/// thread at a time.
class trace_writer {
 public:
  static constexpr std::size_t most_events = 256;

  /// Opens the file of that name for writing; if another process writes to it, PATH.PROCESS; if
  /// another copy of the library in this process writes to that, PATH.PROCESS.2 and so on.
  static locked_file open_file(const char* path) noexcept {
    constexpr unsigned most_copies = 99;
    locked_file file = open_locked(path);
    for (unsigned copy = 1; file.is_taken && copy <= most_copies; ++copy) {
      char suffix[48];
      const auto process = static_cast<unsigned long long>(process_id()); // NOLINT: printf's type
      if (copy == 1)
        std::snprintf(suffix, sizeof suffix, ".%llu", process);
      else
        std::snprintf(suffix, sizeof suffix, ".%llu.%u", process, copy);
      char own[4'200]; // a path of more than 4,095 characters cannot be opened, and so is not taken
      std::snprintf(own, sizeof own, "%s%s", path, suffix);
      file = open_locked(own);
    }
    return file;
  }

  /// For a file that open_file() has opened.
  explicit trace_writer(std::FILE* file) noexcept : file_(file) {
    std::setvbuf(file, nullptr, _IONBF, 0); // so that write() is one write of the system
  }
  trace_writer(const trace_writer&) = delete;
  trace_writer& operator=(const trace_writer&) = delete;

  /// Call it once, first: writes the beginning of the JSON.
  void begin() noexcept {
    put("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
    put_name("process_name", 0, "parallel");
    write();
  }

  void put_thread_name(std::uint64_t thread, const char* name) noexcept {
    put(",\n");
    put_name("thread_name", thread, name);
  }

  void put(const trace_event& event, std::uint64_t thread) noexcept {
    put(",\n{");
    if (event.name != nullptr) {
      put("\"name\":\"");
      put(event.name);
      put("\",");
    }
    const auto ns = static_cast<std::uint64_t>(event.ns);
    const char phase[] = {event.phase, '\0'};
    put("\"ph\":\"");
    put(phase);
    put(event.phase == 'i' ? "\",\"s\":\"t\",\"ts\":" : "\",\"ts\":");
    put(ns / 1000); // microseconds
    put(".");
    put(ns / 100 % 10);
    put(ns / 10 % 10);
    put(ns % 10);
    put_where(thread);
    const char* between = ",\"args\":{\"";
    for (const trace_argument& each : event.arguments) {
      if (each.name == nullptr)
        break;
      put(between);
      put(each.name);
      put("\":");
      put(each.value);
      between = ",\"";
    }
    put(event.arguments[0].name != nullptr ? "}}" : "}");
  }

  /// Writes what has been put, if anything has, in place of the file's last line, and that line
  /// behind it. If the file cannot be written, says so once and writes nothing from then on.
  void write() noexcept {
    if (length_ == 0 || has_failed_) {
      length_ = 0;
      return;
    }
    put(last_line);
    const bool is_behind =
        std::exchange(is_new_, false) || std::fseek(file_, -last_line_length, SEEK_END) == 0;
    has_failed_ = !is_behind || std::fwrite(text_, 1, length_, file_) != length_;
    length_ = 0;
    if (has_failed_)
      std::fprintf(stderr, "parallel: the file of PARALLEL_TRACE cannot be written (%s)\n",
                   std::strerror(errno));
  }

 private:
  static constexpr char last_line[] = "\n]}\n";
  static constexpr long last_line_length = sizeof last_line - 1;
  static constexpr std::size_t longest_event = 256; // characters, and more than any event has

  /// A name for a thread or, with thread 0, for the process.
  void put_name(const char* what, std::uint64_t thread, const char* name) noexcept {
    put("{\"name\":\"");
    put(what);
    put("\",\"ph\":\"M\"");
    put_where(thread);
    put(",\"args\":{\"name\":\"");
    put(name);
    put("\"}}");
  }

  void put_where(std::uint64_t thread) noexcept {
    put(",\"pid\":");
    put(process_);
    put(",\"tid\":");
    put(thread);
  }

  void put(const char* text) noexcept {
    const std::size_t length = std::strlen(text);
    std::memcpy(text_ + length_, text, length);
    length_ += length;
  }

  void put(std::uint64_t number) noexcept {
    length_ = static_cast<std::size_t>(
        std::to_chars(text_ + length_, text_ + sizeof text_, number).ptr - text_);
  }

  const std::uint64_t process_ = process_id();
  std::FILE* const file_;
  bool is_new_ = true;
  bool has_failed_ = false;
  std::size_t length_ = 0;
  char text_[(most_events + 1) * longest_event];
};

} // namespace parallel::detail

#endif
