// Where the events of a traced program go: a file that is valid JSON after every write.
//
// Each thread has a buffer of its own, which is emptied into the file when it is full and when its
// thread, or the program, ends: by exit() or std::terminate(). What has not been written when it is
// killed is lost, but not the file, unless that cuts a write short: each takes back the file's last
// line and puts it behind the new events. The format is Chrome's Trace Event Format (as a JSON
// object), which ui.perfetto.dev and chrome://tracing open.
#pragma once

#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/environment.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/platform/locked_file.hpp>
#include <parallel/detail/platform/process.hpp>

#ifdef PARALLEL_ENABLE_TRACE

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <utility>

namespace parallel::detail {

/// A number that tells more of an event.
struct trace_argument {
  const char* name = nullptr; // null: none; a literal, as are all names
  std::uint64_t value = 0;
};

struct trace_event {
  const char* name;
  char phase; // B begin, E end of what has begun last on this thread, i instant
  trace_argument arguments[2];
  std::int64_t ns = 0;
};

class trace_log {
 public:
  /// Notes an event of the calling thread, now. Does nothing when no file is named, in a child
  /// process, or where there is no memory for a buffer. A child process is one that is forked once
  /// the program has begun to initialise its static variables.
  static void record(const trace_event& event) noexcept {
    if (trace_log* const log = here())
      if (buffer* const own = own_ != nullptr ? own_ : log->make_own_buffer())
        log->add(*own, event);
  }

  /// To be called before a thread of a pool is started, which must not open the file: that takes
  /// the loader's lock.
  static void begin() noexcept { static_cast<void>(here()); }

  /// To be called by a thread of a pool before its first event.
  static void name_thread(const char* prefix, std::size_t number) noexcept {
    if (trace_log* const log = here())
      own_ = log->make_buffer(prefix, number);
  }

  /// To be called by such a thread after its last event.
  static void end_thread() noexcept {
    if (trace_log* const log = here(); log != nullptr && own_ != nullptr)
      log->retire(*own_);
    own_ = nullptr;
  }

  /// Returns the number of the process in which it has been called first. Later children of that
  /// process write nothing.
  static std::uint64_t know_process() noexcept {
    static const std::uint64_t known = [] {
      call_in_children([] {
        is_child_.store(true, std::memory_order_relaxed); // relaxed, both: a child has one thread
        if (const int parents = descriptor_.exchange(-1, std::memory_order_relaxed); parents >= 0)
          leave_to_parent(parents);
      });
      return process_id();
    }();
    return known;
  }

 private:
  /// The events of one thread that are not in the file yet.
  struct buffer {
    static constexpr std::size_t most = 256;

    std::mutex guard; // whose thread is alone with it until the end
    std::size_t size = 0;
    trace_event events[most];
    std::uint64_t thread = 0;
    char name[48] = {}; // emptied when it has been written
    buffer* next = nullptr;
  };

  static constexpr char end[] = "\n]}\n";
  static constexpr long end_length = sizeof end - 1;
  static constexpr std::size_t longest_event = 256; // characters, and more than it has

  /// Null when nothing is to be written.
  static trace_log* here() noexcept {
    if (is_child_.load(std::memory_order_relaxed)) // relaxed: see know_process()
      return nullptr;
    static trace_log* const opened = open(); // never destroyed: threads may outlive all else
    return opened;
  }

  static trace_log* open() noexcept {
    const char* const path = trusted_environment("PARALLEL_TRACE");
    if (path == nullptr || *path == '\0' || know_process() != process_id())
      return nullptr;
    const locked_file file = open_file(path);
    auto* const made = file.stream != nullptr ? new (std::nothrow) trace_log(file.stream) : nullptr;
    if (made == nullptr) {
      std::fprintf(stderr, "parallel: PARALLEL_TRACE is '%s', which cannot be written (%s)\n", path,
                   std::strerror(errno));
      return nullptr;
    }
    keep_loaded(code_of(&finish));                 // what is registered here stays registered
    std::setvbuf(file.stream, nullptr, _IONBF, 0); // so that what is put behind comes in one write
    // relaxed: a child has one thread
    descriptor_.store(file.descriptor, std::memory_order_relaxed);
    made->put("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
    made->put_name("process_name", 0, "parallel");
    made->write();
    opened_ = made;
    before_ = std::set_terminate([] {
      finish();
      before_();
    });
    std::atexit(finish); // where it cannot be had, the last events are lost
    return made;
  }

  /// The file of that name; where another process writes to it, PATH.PROCESS; where another copy of
  /// the library in this process writes to that, PATH.PROCESS.2 and so on.
  static locked_file open_file(const char* path) noexcept {
    constexpr unsigned most_copies = 99;
    locked_file file = open_locked(path);
    for (unsigned copy = 1; file.is_taken && copy <= most_copies; ++copy) {
      char behind[48];
      const auto process = static_cast<unsigned long long>(process_id()); // NOLINT: printf's type
      if (copy == 1)
        std::snprintf(behind, sizeof behind, ".%llu", process);
      else
        std::snprintf(behind, sizeof behind, ".%llu.%u", process, copy);
      char own[4'200]; // a path of more than 4,095 characters cannot be opened, and so is not taken
      std::snprintf(own, sizeof own, "%s%s", path, behind);
      file = open_locked(own);
    }
    return file;
  }

  explicit trace_log(std::FILE* file) noexcept : file_(file) {}

  /// The program ends. From now on what the calling thread does is written at once, and nothing of
  /// what others do: the end would cut it short.
  static void finish() noexcept {
    if (is_child_.load(std::memory_order_relaxed))
      return;
    trace_log& log = *opened_;
    const std::lock_guard listed(log.listing_);
    for (buffer* each = log.buffers_; each != nullptr; each = each->next) {
      const std::lock_guard held(each->guard);
      log.empty(*each);
    }
    const std::lock_guard writing(log.writing_);
    ends_program_ = !std::exchange(log.is_over_, true) || ends_program_;
  }

  /// For a caller, which does not say when it ends: a thread_local with a destructor does. Threads
  /// of the pools must do without: to register it takes the loader's lock (see loaded_code.hpp).
  buffer* make_own_buffer() noexcept {
    struct at_end {
      ~at_end() { end_thread(); }
    };
    static thread_local const at_end ends;
    static_cast<void>(ends);
    own_ = make_buffer(nullptr, 0); // events behind the destructor have another one
    return own_;
  }

  /// For the calling thread; null if there is no memory.
  buffer* make_buffer(const char* prefix, std::size_t number) noexcept {
    auto* const made = new (std::nothrow) buffer;
    if (made == nullptr)
      return nullptr;
    const std::lock_guard listed(listing_);
    made->thread = ++threads_;
    if (prefix != nullptr)
      std::snprintf(made->name, sizeof made->name, "%s/%zu", prefix, number);
    else
      std::snprintf(made->name, sizeof made->name, "caller %zu", ++callers_);
    for (char& each : made->name) // what could be no JSON
      if (each != '\0' && (each < ' ' || each > '~' || each == '"' || each == '\\'))
        each = '?';
    made->next = buffers_;
    buffers_ = made;
    return made;
  }

  /// Its thread ends.
  void retire(buffer& spent) noexcept {
    {
      const std::lock_guard listed(listing_);
      buffer** link = &buffers_;
      while (*link != &spent)
        link = &(*link)->next;
      *link = spent.next;
    }
    empty(spent);
    delete &spent;
  }

  void add(buffer& own, trace_event event) noexcept {
    event.ns = steady_ns() - start_ns_;
    const std::lock_guard held(own.guard);
    own.events[own.size++] = event;
    if (own.size == buffer::most || ends_program_)
      empty(own);
  }

  /// Puts what is in a buffer into the file.
  void empty(buffer& full) noexcept {
    const std::lock_guard writing(writing_);
    if (is_over_ && !ends_program_) {
      full.size = 0;
      return;
    }
    length_ = 0;
    if (full.name[0] != '\0') {
      put(",\n");
      put_name("thread_name", full.thread, full.name);
      full.name[0] = '\0';
    }
    for (std::size_t i = 0; i < full.size; ++i)
      put(full.events[i], full.thread);
    full.size = 0;
    if (length_ != 0)
      write();
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
    put(ns / 1000);
    put("."); // microseconds
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

  /// Puts the text behind what is in the file, instead of its end, which then follows.
  void write() noexcept {
    if (has_failed_)
      return;
    put(end);
    const bool is_behind =
        std::exchange(is_new_, false) || std::fseek(file_, -end_length, SEEK_END) == 0;
    has_failed_ = !is_behind || std::fwrite(text_, 1, length_, file_) != length_;
    if (has_failed_)
      std::fprintf(stderr, "parallel: the file of PARALLEL_TRACE cannot be written (%s)\n",
                   std::strerror(errno));
  }

  static inline constinit std::atomic<bool> is_child_{false};
  static inline constinit std::atomic<int> descriptor_{-1}; // of the open file
  static inline constinit trace_log* opened_ = nullptr; // these two: set before finish() is known
  static inline constinit std::terminate_handler before_ = nullptr;
  static inline constinit thread_local bool ends_program_ = false;
  static inline constinit thread_local buffer* own_ = nullptr; // the calling thread's

  const std::int64_t start_ns_ = steady_ns();
  const std::uint64_t process_ = process_id();
  std::mutex listing_; // guards the next three; asked for before a buffer's
  buffer* buffers_ = nullptr;
  std::uint64_t threads_ = 0;
  std::size_t callers_ = 0;
  std::mutex writing_; // guards what follows; asked for last
  std::FILE* const file_;
  bool is_new_ = true;
  bool is_over_ = false;
  bool has_failed_ = false;
  std::size_t length_ = 0;
  char text_[(buffer::most + 1) * longest_event];
};

/// Asks at the program's start, before it can have children of its own.
inline const std::uint64_t traced_process = trace_log::know_process();

} // namespace parallel::detail

#endif
