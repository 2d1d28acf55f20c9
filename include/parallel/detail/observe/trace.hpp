// What a program can write down of what the library does, and when: for pictures of it.
//
// Spans and instants, put where things happen. They are nothing at all, and compile to nothing,
// unless PARALLEL_ENABLE_TRACE is defined, the same for all files of a program; then
// observe/trace_log.hpp writes them where the environment variable PARALLEL_TRACE says, if it does.
// Entered from loops, schedulers and threads.
#pragma once

#include <parallel/detail/observe/trace_log.hpp>

#include <cstddef>
#include <cstdint>

#ifdef PARALLEL_ENABLE_TRACE

namespace parallel::detail {

/// From now until the end of the scope, on this thread.
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

/// Now.
inline void trace_instant(const char* name, trace_argument first = {},
                          trace_argument second = {}) noexcept {
  trace_log::record({name, 'i', {first, second}});
}

/// There is a pool now, and its threads may come.
inline void trace_begin() noexcept {
  trace_log::begin();
}

/// The calling thread is `prefix/number`. Others are callers.
inline void trace_thread_name(const char* prefix, std::size_t number) noexcept {
  trace_log::name_thread(prefix, number);
}

/// That thread does nothing more.
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
