// The options of a pool: how many threads it has, what they are called, and what each of them calls
// first and last.
//
// Options are aggregates, written with designated initializers:
// thread_pool{{.threads = 8, .name = "decode"}}. The options of a single call are in options.hpp.
#pragma once

#include <parallel/detail/lite/duration.hpp>
#include <parallel/detail/lite/small_function.hpp>
#include <parallel/detail/lite/text.hpp>
#include <parallel/detail/platform/config.hpp>
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

/// The most threads that a pool can be asked for. A larger number, such as -1 converted, is a
/// mistake and is reported.
inline constexpr std::size_t most_threads = 65'536;

/// The number of threads that `text` asks for; 0 unless it is a whole number from 1 to 65,536.
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

/// Returns how many threads this process can keep busy, at least 1.
///
/// That is the number of processors in the affinity mask of the process's first thread. It is fewer
/// where a Linux control group (v1 or v2, the process's own or an ancestor of it) limits the
/// process's CPU time, which is rounded up to whole processors. The environment variable
/// PARALLEL_NUM_THREADS overrides both with a whole number from 1 to 65,536. Any other value of the
/// variable is ignored.
///
/// It reads a few small files: call it once, not in a loop. Thread-safe unless another thread
/// changes the environment. Throws nothing but std::bad_alloc.
PARALLEL_DETAIL_COMPACT inline std::size_t default_concurrency() {
  if (const char* text = std::getenv("PARALLEL_NUM_THREADS"))
    if (const std::size_t wished = detail::thread_count_from(text); wished != 0)
      return wished;
  const std::size_t processors = detail::usable_processors();
  const std::size_t quota = detail::processor_quota();
  const std::size_t usable = processors < quota ? processors : quota;
  return usable < detail::most_threads ? usable : detail::most_threads;
}

/// The name of a pool's threads in debuggers and `top`. The thread's number is appended, as in
/// "parallel/3".
///
/// It is made from a string of any kind, which it copies. The empty string means the default name.
/// Where the system limits the length of names (Linux: 15 characters), the end of the name is cut
/// off.
class thread_name {
 public:
  thread_name() = default;

  /// Copies `text`, which is not null.
  thread_name(const char* text) noexcept { // NOLINT: as an option it is to be written as a string
    for (std::size_t i = 0; i < most && text[i] != '\0'; ++i)
      text_[i] = text[i];
  }

  /// Copies a std::string or std::string_view.
  template <detail::string_like String>
  thread_name(const String& string) noexcept {
    for (std::size_t i = 0; i < most && i < string.size(); ++i)
      text_[i] = string.data()[i];
  }

  /// Returns the name; `other` if the name is empty.
  [[nodiscard]] const char* or_else(const char* other) const noexcept {
    return text_[0] != '\0' ? text_ : other;
  }

 private:
  static constexpr std::size_t most = 15;
  char text_[most + 1] = {};
};

/// A function that each thread of a pool calls first, or last: a copyable callable that takes
/// nothing, or the thread's number.
///
/// It is called through a const reference, on several threads at once. It must not throw: an
/// exception ends the program (std::terminate).
///
/// The number is the one in the thread's name. The workers of a thread_pool have numbers from 1 on;
/// the worker that only tasks need has 0; compensating workers (see blocking()) have numbers from
/// the pool's size on. An io_pool gives each new thread the lowest number that is free. A thread
/// that ends keeps its number until its on_stop has returned, and a thread that starts meanwhile
/// gets another one.
class thread_hook {
 public:
  thread_hook() = default;

  /// Keeps `f`, copied or moved in.
  template <class F>
  requires(!std::same_as<F, thread_hook> &&
           (std::invocable<const F&> || std::invocable<const F&, std::size_t>)) thread_hook(F f)
      : call_([f = std::move(f)](std::size_t number) noexcept {
          if constexpr (std::invocable<const F&, std::size_t>)
            static_cast<void>(f(number));
          else
            static_cast<void>(f());
        }) {}

  /// Calls the function for the thread of this number; does nothing if there is no function.
  void operator()(std::size_t number) const noexcept {
    if (call_)
      call_(number);
  }

 private:
  detail::small_function<void(std::size_t)> call_;
};

/// Options of a thread_pool.
struct thread_pool_options {
  /// The most threads that run one call, its caller included: from 1 to 65,536. (No more than
  /// 32,703 threads take part in the same loop.)
  std::size_t threads = default_concurrency();

  /// The name of the workers; "parallel" by default.
  thread_name name = {};

  /// Called by each worker when it starts, compensating workers (see blocking()) included.
  ///
  /// It is not called on the thread that calls map(), although that thread runs elements too. So if
  /// every thread that runs elements needs something, initialise it in the element, for example
  /// with a thread_local variable. Or initialise it on the calling thread before the call.
  thread_hook on_start = {};

  /// Called by each worker before it ends. It is not called on the thread that calls map().
  thread_hook on_stop = {};
};

/// How long a thread of an io_pool sleeps before it ends: a std::chrono duration; 10 seconds by
/// default.
class idle_time {
 public:
  constexpr idle_time() = default;

  /// Throws std::invalid_argument, whose message names the value, when `time` is negative or not a
  /// number. More than 292 years are forever.
  template <detail::duration D>
  idle_time(const D& time)
      : ns_(detail::checked_ns("the idle time-out", detail::in_seconds(time))) {}

  [[nodiscard]] constexpr std::int64_t ns() const noexcept { return ns_; }

 private:
  std::int64_t ns_ = 10'000'000'000;
};

/// Options of an io_pool.
struct io_pool_options {
  /// The most threads that the pool grows to, from 1 to 65,536. A thread is started when all others
  /// seem to be blocked and none sleeps, so a large number costs nothing until it is needed.
  std::size_t max_threads = 64;

  /// How many tasks may wait for a thread, at least 1. When the queue is full, submit() blocks
  /// until a task has begun.
  std::size_t queue = 1024;

  /// How long a thread may have nothing to do before it ends; ten seconds by default. So a pool
  /// that is not used has no threads after a while.
  idle_time idle_timeout = {};

  /// The name of the threads; "parallel-io" by default.
  thread_name name = {};

  /// Called by each thread of the pool when it starts. It is not called on the thread that calls
  /// map(), although that thread runs elements too: see thread_pool_options::on_start.
  thread_hook on_start = {};

  /// Called by each thread of the pool before it ends. It is not called on the thread that calls
  /// map().
  thread_hook on_stop = {};
};

/// The name that io_pool_options had in version 1.0.
using io_options [[deprecated("parallel: io_options is called io_pool_options now")]] =
    io_pool_options;

/// The type of `discard`.
struct discard_t {
  explicit discard_t() = default;
};

/// Tells shutdown() to discard the tasks that have not begun: pool.shutdown(parallel::discard).
inline constexpr discard_t discard{};

} // namespace parallel
