// What a pool can be told when it is made: how many threads, what they are called, what they do
// first and last; and how it is shut down.
//
// Aggregates, written with designated initializers: thread_pool{{.threads = 8, .name = "decode"}}.
// What a single call can be told is in options.hpp. Entered from detail/scheduler/workers.hpp and
// io_pool.hpp.
#pragma once

#include <parallel/detail/lite/duration.hpp>
#include <parallel/detail/lite/small_function.hpp>
#include <parallel/detail/platform/processors.hpp>
#include <parallel/errors.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace parallel {

namespace detail {

/// The most threads that a pool can be asked for: a mistake above, such as -1, is told as one.
inline constexpr std::size_t most_threads = 65'536;

/// The number of threads that `text` asks for; 0 when it is no whole number from 1 to 65,536.
constexpr std::size_t thread_count_from(const char* text) noexcept {
  std::size_t count = 0;
  for (; *text != '\0'; ++text) {
    if (*text < '0' || *text > '9')
      return 0;
    count = count * 10 + static_cast<std::size_t>(*text - '0');
    if (count > most_threads)
      return 0;
  }
  return count;
}

} // namespace detail

/// How many threads this process can keep busy: the processors in its first thread's affinity mask,
/// or fewer where a Linux control group (v1 or v2, the process's own or an ancestor) limits its CPU
/// time, rounded up to whole processors; at least 1. The environment variable PARALLEL_NUM_THREADS
/// overrides it with a whole number from 1 to 65,536; any other value of it is ignored.
///
/// Reads a few small files: call it once, not in a loop. Thread-safe unless another thread changes
/// the environment. Throws std::bad_alloc only.
[[gnu::cold]] inline std::size_t default_concurrency() {
  if (const char* text = std::getenv("PARALLEL_NUM_THREADS"))
    if (const std::size_t wished = detail::thread_count_from(text); wished != 0)
      return wished;
  const std::size_t processors = detail::usable_processors();
  const std::size_t quota = detail::processor_quota();
  const std::size_t usable = processors < quota ? processors : quota;
  return usable < detail::most_threads ? usable : detail::most_threads;
}

/// What a pool's threads are called in debuggers and `top`; their number is put behind it, as in
/// "parallel/3". Where the system's names are short (Linux: 15 characters) its end is cut off. Made
/// from a string of any kind; not empty: "" is the pool's own name for them.
class thread_name {
 public:
  thread_name() = default;

  /// Copies `text`, which is not null.
  thread_name(const char* text) noexcept { // NOLINT: as an option it is to be written as a string
    for (std::size_t i = 0; i < most && text[i] != '\0'; ++i)
      text_[i] = text[i];
  }

  /// Likewise, of a std::string or std::string_view.
  template <class String>
  requires(!std::convertible_to<const String&, const char*> && requires(const String& string) {
    { string.data() } -> std::same_as<const char*>;
    { string.size() } -> std::convertible_to<std::size_t>;
  }) thread_name(const String& string)
  noexcept {
    for (std::size_t i = 0; i < most && i < string.size(); ++i)
      text_[i] = string.data()[i];
  }

  /// The name, or else `other`.
  [[nodiscard]] const char* or_else(const char* other) const noexcept {
    return text_[0] != '\0' ? text_ : other;
  }

 private:
  static constexpr std::size_t most = 15;
  char text_[most + 1] = {};
};

/// What each thread of a pool calls before its first task, or after its last: a copyable callable
/// of nothing, or of the thread's number, which is the one in its name. It is called through a
/// const reference, on several threads at once, and must not throw: that ends the program
/// (std::terminate). The numbers begin with 1, or 0 for a worker that only tasks need; the
/// stand-ins of a thread_pool (see blocking) have numbers from its size on. An io_pool gives the
/// lowest that is free: while a thread that leaves is still in its hook, another one may be made
/// beside it.
class thread_hook {
 public:
  thread_hook() = default;

  /// Keeps a copy of `f`, or what has been moved from it.
  template <class F>
  requires(!std::same_as<F, thread_hook> &&
           (std::invocable<const F&> || std::invocable<const F&, std::size_t>)) thread_hook(F f)
      : call_([f = std::move(f)](std::size_t number) noexcept {
          if constexpr (std::invocable<const F&, std::size_t>)
            static_cast<void>(f(number));
          else
            static_cast<void>(f());
        }) {}

  /// Calls it, on the thread of this number; nothing if there is none.
  void operator()(std::size_t number) const noexcept {
    if (call_)
      call_(number);
  }

 private:
  detail::small_function<void(std::size_t)> call_;
};

/// Options of a thread_pool.
struct thread_pool_options {
  /// The most threads that one call may use, its caller included: from 1 to 65,536. (No more than
  /// 32,703 take part in the same loop.)
  std::size_t threads = default_concurrency();

  /// What its workers are called: "parallel" unless it is given.
  thread_name name = {};

  /// Called first on each worker, stand-ins for blocked ones (see blocking) included. The caller of
  /// a map, who takes part in it, is no worker: nothing is called there.
  thread_hook on_start = {};

  /// Called last on each worker.
  thread_hook on_stop = {};
};

/// How long a thread sleeps before it leaves: a std::chrono duration.
class idle_time {
 public:
  constexpr idle_time() = default;

  /// Throws std::invalid_argument, naming the value, when `time` is negative or not a number. More
  /// than 292 years are for ever.
  template <detail::duration D>
  idle_time(const D& time)
      : ns_(detail::checked_ns("the idle time-out", detail::in_seconds(time))) {}

  [[nodiscard]] constexpr std::int64_t ns() const noexcept { return ns_; }

 private:
  std::int64_t ns_ = 10'000'000'000;
};

/// Options of an io_pool.
struct io_pool_options {
  /// Threads that the pool grows to, from 1 to 65,536. One is made when those that there are seem
  /// to be blocked and none sleeps, so a generous number costs nothing until it is needed.
  std::size_t max_threads = 64;

  /// Tasks that may wait for a thread, at least 1; a submit() beyond it blocks until one has begun.
  std::size_t queue = 1024;

  /// A thread that has had nothing to do for so long ends; ten seconds unless it is given. At rest
  /// a pool has no threads.
  idle_time idle_timeout = {};

  /// What its threads are called: "parallel-io" unless it is given.
  thread_name name = {};

  /// Called on each thread of the pool when it has been made. The caller of a map, who takes part
  /// in it, is none: nothing is called there.
  thread_hook on_start = {};

  /// Called on each thread of the pool before it ends.
  thread_hook on_stop = {};
};

/// The name that io_pool_options had in version 1.0.
using io_options [[deprecated("parallel: io_options is called io_pool_options now")]] =
    io_pool_options;

/// The type of `discard`.
struct discard_t {
  explicit discard_t() = default;
};

/// pool.shutdown(parallel::discard): without the tasks that nobody has begun.
inline constexpr discard_t discard{};

} // namespace parallel
