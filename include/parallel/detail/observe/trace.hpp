// Trace events: what the library does and when, for pictures of it.
//
// The code marks spans and instants where things happen. Unless PARALLEL_ENABLE_TRACE is defined,
// for all files of a program or for none, they compile to nothing. If it is defined,
// observe/trace_log.hpp writes them to the file that the environment variable PARALLEL_TRACE names.
#pragma once

#include <parallel/detail/observe/trace_log.hpp>

#include <cstddef>
#include <cstdint>

#ifdef PARALLEL_ENABLE_TRACE

namespace parallel::detail {

/// A span of time on this thread, from now until the end of the scope.
class trace_span {
 public:
  explicit trace_span(const char* name, trace_argument first = {},
                      trace_argument second = {}) noexcept {
    trace_log::record({name, 'B', {first, second}});
  }
  trace_span(const trace_span&) = delete;
  trace_span& operator=(const trace_span&) = delete;
  ~trace_span() { trace_log::record({nullptr, 'E', {}}); }
};

/// A moment on this thread: now.
inline void trace_instant(const char* name, trace_argument first = {},
                          trace_argument second = {}) noexcept {
  trace_log::record({name, 'i', {first, second}});
}

/// Call it before a pool starts threads.
inline void trace_begin() noexcept {
  trace_log::begin();
}

/// Names the calling thread `prefix/number`. A thread without a name is shown as a caller.
inline void trace_thread_name(const char* prefix, std::size_t number) noexcept {
  trace_log::name_thread(prefix, number);
}

/// The calling thread, which has been named, has recorded its last event.
inline void trace_thread_end() noexcept {
  trace_log::end_thread();
}

} // namespace parallel::detail

#else

namespace parallel::detail {

struct trace_argument {
  const char* name = nullptr;
  std::uint64_t value = 0;
};

class trace_span {
 public:
  explicit trace_span(const char*, trace_argument = {}, trace_argument = {}) noexcept {}
  trace_span(const trace_span&) = delete;
  trace_span& operator=(const trace_span&) = delete;
};

inline void trace_instant(const char*, trace_argument = {}, trace_argument = {}) noexcept {}
inline void trace_begin() noexcept {}
inline void trace_thread_name(const char*, std::size_t) noexcept {}
inline void trace_thread_end() noexcept {}

} // namespace parallel::detail

#endif
