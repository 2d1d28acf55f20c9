// The events of a traced program: which are recorded, and when they are written.
//
// Each thread has a buffer of its own. It is emptied into the file (observe/trace_writer.hpp) when
// it is full, when its thread ends, and when the program ends by exit() or std::terminate(). What a
// program has not written when it is killed is lost.
#pragma once

#include <parallel/detail/observe/trace_writer.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/environment.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/platform/locked_file.hpp>
#include <parallel/detail/platform/process.hpp>

#ifdef PARALLEL_ENABLE_TRACE

#include <atomic>
#include <cerrno>
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

class trace_log {
 public:
  /// Records an event of the calling thread, now. Does nothing if no file is named, in a child
  /// process, or where there is no memory for a buffer. A child process is one that is forked once
  /// the program has begun to initialise its static variables.
  static void record(const trace_event& event) noexcept {
    if (trace_log* const log = here())
      if (buffer* const own = own_ != nullptr ? own_ : log->make_own_buffer())
        log->add(*own, event);
  }

  /// Call it before a thread of a pool is started. That thread must not open the file, because to
  /// do so takes the loader's lock.
  static void begin() noexcept { static_cast<void>(here()); }

  /// A thread of a pool calls it before its first event.
  static void name_thread(const char* prefix, std::size_t number) noexcept {
    if (trace_log* const log = here())
      own_ = log->make_buffer(prefix, number);
  }

  /// A thread of a pool calls it after its last event.
  static void end_thread() noexcept {
    if (trace_log* const log = here(); log != nullptr && own_ != nullptr)
      log->retire(*own_);
    own_ = nullptr;
  }

  /// Returns the number of the process in which it has been called first. Children that this
  /// process forks later write nothing.
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
    std::mutex guard; // its thread is the only one that takes it, until the program ends
    std::size_t size = 0;
    trace_event events[trace_writer::most_events];
    std::uint64_t thread = 0;
    char name[48] = {}; // empty once it has been written
    buffer* next = nullptr;
  };

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
    const locked_file file = trace_writer::open_file(path);
    auto* const made = file.stream != nullptr ? new (std::nothrow) trace_log(file.stream) : nullptr;
    if (made == nullptr) {
      std::fprintf(stderr, "parallel: PARALLEL_TRACE is '%s', which cannot be written (%s)\n", path,
                   std::strerror(errno));
      return nullptr;
    }
    pin_module_of(code_of(&finish)); // because it is registered below, and stays so
    // relaxed: a child has one thread
    descriptor_.store(file.descriptor, std::memory_order_relaxed);
    made->writer_.begin();
    opened_ = made;
    before_ = std::set_terminate([] {
      finish();
      before_();
    });
    std::atexit(finish); // if this fails, the last events are lost
    return made;
  }

  explicit trace_log(std::FILE* file) noexcept : writer_(file) {}

  /// The program ends. From now on, the events of the calling thread are written at once, and those
  /// of other threads are not, because the end of the program would cut them short.
  static void finish() noexcept {
    if (is_child_.load(std::memory_order_relaxed)) // relaxed: see know_process()
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

  /// For a caller, which does not say when it ends; the destructor of a thread_local does. Threads
  /// of the pools must do without one: to register it takes the loader's lock (see
  /// loaded_code.hpp).
  buffer* make_own_buffer() noexcept {
    struct at_end {
      ~at_end() { end_thread(); }
    };
    static thread_local const at_end ends;
    static_cast<void>(ends);
    own_ = make_buffer(nullptr, 0); // events after the destructor get another buffer
    return own_;
  }

  /// Makes a buffer for the calling thread; null if there is no memory.
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
    for (char& each : made->name) // what JSON would not take as it is
      if (each != '\0' && (each < ' ' || each > '~' || each == '"' || each == '\\'))
        each = '?';
    made->next = buffers_;
    buffers_ = made;
    return made;
  }

  /// The buffer's thread ends.
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
    if (own.size == trace_writer::most_events || ends_program_)
      empty(own);
  }

  /// Writes the events of a buffer to the file, or drops them when the program ends.
  void empty(buffer& full) noexcept {
    const std::lock_guard writing(writing_);
    if (is_over_ && !ends_program_) {
      full.size = 0;
      return;
    }
    if (full.name[0] != '\0') {
      writer_.put_thread_name(full.thread, full.name);
      full.name[0] = '\0';
    }
    for (std::size_t i = 0; i < full.size; ++i)
      writer_.put(full.events[i], full.thread);
    full.size = 0;
    writer_.write();
  }

  static inline constinit std::atomic<bool> is_child_{false};
  static inline constinit std::atomic<int> descriptor_{-1}; // of the open file
  // Both are set before finish() is registered:
  static inline constinit trace_log* opened_ = nullptr;
  static inline constinit std::terminate_handler before_ = nullptr;

  static inline constinit thread_local bool ends_program_ = false;
  static inline constinit thread_local buffer* own_ = nullptr; // the calling thread's

  const std::int64_t start_ns_ = steady_ns();
  std::mutex listing_; // guards the next three; locked before a buffer's mutex
  buffer* buffers_ = nullptr;
  std::uint64_t threads_ = 0;
  std::size_t callers_ = 0;
  std::mutex writing_; // guards what follows; locked last
  trace_writer writer_;
  bool is_over_ = false;
};

/// Asks at the program's start, before it can have forked any children.
inline const std::uint64_t traced_process = trace_log::know_process();

} // namespace parallel::detail

#endif
