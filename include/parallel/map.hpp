// map, map_into, for_each and try_map: run a function over the items of a range, on all cores.
//
// A call becomes a loop over indices here: detail/call/indexed_calls.hpp turns a function and its
// ranges into calls by index, and detail/call/result_buffer.hpp is where many threads write the
// results. The executor runs the loop: a thread_pool by detail/loop/run_loop.hpp, which shares it
// among the threads of detail/scheduler/scheduler.hpp.
#pragma once

#include <parallel/detail/call/indexed_calls.hpp>
#include <parallel/detail/call/result_buffer.hpp>
#include <parallel/detail/lite/members.hpp>
#include <parallel/options.hpp>
#include <parallel/outcome.hpp>
#include <parallel/pool.hpp>

#include <cstddef>
#include <exception>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallel {

namespace detail {

/// Runs every call and collects what they return.
template <class E, class Calls>
auto collect(E& executor, const typename E::call_options& options, const Calls& calls) {
  using result = std::remove_cvref_t<typename Calls::result>;
  static_assert(
      !std::is_void_v<result>,
      "parallel::map: the callable returns nothing to collect. Use parallel::for_each, or "
      "return a value.");
  if constexpr (!std::is_void_v<result>) {
    result_buffer<result, typename Calls::result> collected(
        calls.size(), [&]([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) {
          if constexpr (requires { prepare_memory(executor, memory, bytes); })
            prepare_memory(executor, memory, bytes);
        });
    bulk_execute(executor, calls.size(), options,
                 [&calls, set = collected.writer()](std::size_t begin, std::size_t end) {
                   calls.run(begin, end, set);
                 });
    return collected.take();
  }
}

/// Runs every call and assigns what it returns to out[i].
template <class E, class Out, class Calls>
Out write(E& executor, const typename E::call_options& options, Out out, const Calls& calls) {
  static_assert(
      std::random_access_iterator<Out>,
      "parallel::map_into: many threads write out[i] at once, so `out` must be a "
      "random-access iterator into elements that exist already. A back_inserter cannot do "
      "that: use parallel::map, which makes a vector.");
  static_assert(!std::is_same_v<std::iter_reference_t<Out>, std::vector<bool>::reference>,
                "parallel::map_into: neighbours in a std::vector<bool> share a word, which threads "
                "may not write at once. Use parallel::map, or a vector of char.");
  using difference = std::iter_difference_t<Out>;
  static_assert(std::is_assignable_v<std::iter_reference_t<Out>, typename Calls::result>,
                "parallel::map_into: what the callable returns cannot be assigned to *out.");
  const auto set = [out]<class Value>(std::size_t i, Value&& value) {
    out[static_cast<difference>(i)] = std::forward<Value>(value);
  };
  bulk_execute(executor, calls.size(), options,
               [&](std::size_t begin, std::size_t end) { calls.run(begin, end, set); });
  return out + static_cast<difference>(calls.size());
}

/// Calls run(options). If there is a progress hook, it is wrapped, and hook_has_thrown is set when
/// it throws.
template <class Options, class Run>
void with_watched_hook(const Options& options, bool& hook_has_thrown, const Run& run) {
  if constexpr (requires { options.progress.call(); }) {
    if (const auto& hook = options.progress.call()) {
      const auto watched_hook = [&](const progress& now) {
        try {
          hook(now);
        } catch (...) {
          hook_has_thrown = true;
          throw;
        }
      };
      Options watched(options);
      watched.progress = watched_hook;
      return run(watched);
    }
  }
  run(options);
}

/// Runs every call and keeps the outcome of each.
template <class E, class Calls>
auto collect_outcomes(E& executor, const typename E::call_options& options, const Calls& calls) {
  using result = std::remove_cvref_t<typename Calls::result>;
  std::vector<outcome<result>> outcomes(calls.size());
  const auto attempt = [&calls, to = outcomes.data()](std::size_t i) {
    try {
      if constexpr (std::is_void_v<result>) {
        calls.run(i, i + 1);
        to[i].emplace();
      } else {
        calls.run(i, i + 1, [to]<class Value>(std::size_t at, Value&& value) {
          to[at].emplace(std::forward<Value>(value));
        });
      }
    } catch (...) {
      to[i].set_failed(std::current_exception());
    }
  };
  const auto run_all = [&](const typename E::call_options& with) {
    bulk_execute(executor, calls.size(), with, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i != end; ++i)
        attempt(i);
    });
  };
  bool hook_has_thrown = false; // set by one thread at a time, read when the loop is at rest
  try {
    detail::with_watched_hook(options, hook_has_thrown, run_all);
  } catch (const error&) { // not from an element, whose exceptions are in their outcomes
    if (hook_has_thrown)
      throw;
    for (outcome<result>& each : outcomes)
      if (!each.has_run())
        each.set_not_run(std::current_exception());
  }
  return outcomes;
}

struct bit_reference {
  template <class T>
  static constexpr bool includes = std::is_same_v<T, std::vector<bool>::reference>;
};

/// Whether threads that write to different elements of an R may write to the same word: elements of
/// a std::vector<bool> share words. (The elements of a view over several ranges may be tuples.)
template <class R>
constexpr bool is_packed() {
  using reference = std::ranges::range_reference_t<R>;
  if constexpr (tuple_like<reference>)
    return has_member<reference, bit_reference>();
  else
    return bit_reference::includes<reference>;
}

template <class... Rs>
constexpr void check_writable() {
  static_assert(
      (!is_packed<Rs>() && ...),
      "parallel::for_each: neighbours in a std::vector<bool> share a word, which threads may not "
      "write at once. To read them, pass std::as_const(flags); to write, use a std::vector<char>.");
}

/// Runs every call for its effects.
template <class E, class Calls>
void run(E& executor, const typename E::call_options& options, const Calls& calls) {
  bulk_execute(executor, calls.size(), options,
               [&](std::size_t begin, std::size_t end) { calls.run(begin, end); });
}

} // namespace detail

/// Calls f for every element of a range, on many threads, and returns the results in the order of
/// their elements: std::vector<std::remove_cvref_t<decltype(f(x))>>.
///
/// - `executor`: a thread_pool for work that computes, an io_pool for calls that block, or another
///   executor. If none is named, default_pool() is used.
/// - `xs`: any input range. A random-access range is used in place. Of a forward range, the
///   iterators are gathered first; the elements of a single-pass range are moved into a buffer
///   first. A view's own functions, such as that of views::transform, are called on many threads as
///   well.
/// - `f`: called as std::invoke(f, x), once for each element, on many threads at once, through a
///   const reference. It is never copied. A mutable lambda does not compile.
/// - `options`: map_options, or io_map_options on an io_pool.
///
/// Results: they may be move-only and need no default constructor. `bool` is written without a
/// race.
///
/// Threads: the calling thread takes part, and the call returns when every element is done. Any
/// thread may call map() at any time, also inside the f of another call. Calls nest to any depth
/// without deadlock, and nested calls share the pool's threads. A thread that waits for a nested
/// call runs only elements of that call, so you may hold a lock across it. Scratch memory in a
/// `thread_local` variable is overwritten by a nested call whose elements use the same variable:
/// they may run on the thread that waits for them. Elements must not wait for each other, because a
/// small call runs on one thread. An element must not end its thread: pthread_exit() or a
/// cancellation inside f ends the program.
///
/// Exceptions: if elements throw, the exception of the lowest index is rethrown with its type, when
/// no element runs any more. That is the exception that the plain loop would have thrown. All
/// elements below that index run. Elements above it are skipped unless they, or other elements of
/// their chunk (see map_options::grain), have started. Results made so far are destroyed. map()
/// itself throws std::bad_alloc or std::length_error when the result cannot be allocated.
///
/// Cost on a thread_pool, besides the elements:
///
/// | situation | what happens | cost, about |
/// |-----------|--------------|-------------|
/// | less work than 2 µs, or than the time to wake a worker | it stays on the caller | 20 ns |
/// | more work, and workers are awake | the call is shared | 0.5 µs |
/// | more work, and workers are asleep or not started | they are woken or started | tens of µs |
///
/// The work is the time that the call is expected to take on one thread, from what earlier calls at
/// the call site have measured. The time to wake a worker counts only while all of them sleep, and
/// calls that follow each other quickly wake workers even if each of them has less work than that.
/// The first call at a call site is always shared.
///
/// If elements of a call that stays on the caller cost much more than expected, the rest is shared:
/// in calls of less than 4 µs, if these are among the first few elements; in longer calls, wherever
/// they are. In calls of up to sixteen elements that have long been cheap, this is checked in one
/// of eight calls.
///
/// A call site is an algorithm with the types of its f and xs. Function pointers of one type share
/// one cost model, and so do all std::function of one type: if some of these functions are
/// expensive and others cheap, they mislead it. `.grain = 1` is the cure: it does not use the
/// model.
///
/// Memory: the pages of a fresh result of 1 MiB or more are faulted in by all threads (Linux; from
/// 4 MiB on as huge pages). Besides the result, map() allocates a few cache lines per thread when
/// more calls are open at once than ever before; one byte or one optional for each result that
/// cannot be assigned in place (bool; types without a default constructor that cannot throw); and
/// the gathered iterators or elements of a range that is not random-access.
template <executor E, std::ranges::input_range R, class F>
auto map(E& executor, R&& xs, F&& f,
         const typename E::call_options& options = detail::no_options<E>()) {
  return detail::collect(executor, options, detail::index_calls(options, f, xs));
}

/// map() on the default pool.
template <std::ranges::input_range R, class F>
auto map(R&& xs, F&& f, const map_options& options = detail::no_map_options) {
  return parallel::map(default_pool(), xs, f, options);
}

/// map() over two ranges side by side: calls f(x, y) for as many elements as the shorter range has.
/// In all else it is like map() over one range.
template <executor E, std::ranges::input_range R, std::ranges::input_range S, class F>
auto map(E& executor, R&& xs, S&& ys, F&& f,
         const typename E::call_options& options = detail::no_options<E>()) {
  return detail::collect(executor, options, detail::index_calls(options, f, xs, ys));
}

/// map() over two ranges, on the default pool.
template <std::ranges::input_range R, std::ranges::input_range S, class F>
auto map(R&& xs, S&& ys, F&& f, const map_options& options = detail::no_map_options) {
  return parallel::map(default_pool(), xs, ys, f, options);
}

/// Like map(), but keeps the results of the elements that succeed when others throw. It returns a
/// std::vector<outcome<T>> in the order of the elements, where T is what f returns, without
/// reference and const. `f` may return nothing.
///
/// Each outcome has a value, or the exception of the element, or says that the element was not run
/// because a stop was requested or the deadline passed. Every element is run unless the options end
/// the call. try_map() throws only what does not come from an element: std::bad_alloc or
/// std::length_error when the outcomes cannot be allocated, and what the progress hook throws.
template <executor E, std::ranges::input_range R, class F>
auto try_map(E& executor, R&& xs, F&& f,
             const typename E::call_options& options = detail::no_options<E>()) {
  return detail::collect_outcomes(executor, options, detail::index_calls(options, f, xs));
}

/// try_map() on the default pool.
template <std::ranges::input_range R, class F>
auto try_map(R&& xs, F&& f, const map_options& options = detail::no_map_options) {
  return parallel::try_map(default_pool(), xs, f, options);
}

/// try_map() over two ranges side by side, for as many elements as the shorter range has.
template <executor E, std::ranges::input_range R, std::ranges::input_range S, class F>
auto try_map(E& executor, R&& xs, S&& ys, F&& f,
             const typename E::call_options& options = detail::no_options<E>()) {
  return detail::collect_outcomes(executor, options, detail::index_calls(options, f, xs, ys));
}

/// try_map() over two ranges, on the default pool.
template <std::ranges::input_range R, std::ranges::input_range S, class F>
auto try_map(R&& xs, S&& ys, F&& f, const map_options& options = detail::no_map_options) {
  return parallel::try_map(default_pool(), xs, ys, f, options);
}

/// Like map(), but assigns the results to out[0], out[1], … and returns the iterator behind the
/// last one. These elements must exist already. `out` is a random-access iterator, and not one of a
/// std::vector<bool>. No result is allocated. After an exception, some results have been assigned.
template <executor E, std::ranges::input_range R, class Out, class F>
Out map_into(E& executor, R&& xs, Out out, F&& f,
             const typename E::call_options& options = detail::no_options<E>()) {
  return detail::write(executor, options, std::move(out), detail::index_calls(options, f, xs));
}

/// map_into() on the default pool.
template <std::ranges::input_range R, class Out, class F>
Out map_into(R&& xs, Out out, F&& f, const map_options& options = detail::no_map_options) {
  return parallel::map_into(default_pool(), xs, std::move(out), f, options);
}

/// map_into() over two ranges side by side, for as many elements as the shorter range has.
template <executor E, std::ranges::input_range R, std::ranges::input_range S, class Out, class F>
Out map_into(E& executor, R&& xs, S&& ys, Out out, F&& f,
             const typename E::call_options& options = detail::no_options<E>()) {
  return detail::write(executor, options, std::move(out), detail::index_calls(options, f, xs, ys));
}

/// map_into() over two ranges, on the default pool.
template <std::ranges::input_range R, std::ranges::input_range S, class Out, class F>
Out map_into(R&& xs, S&& ys, Out out, F&& f, const map_options& options = detail::no_map_options) {
  return parallel::map_into(default_pool(), xs, ys, std::move(out), f, options);
}

/// Like map(), but only for the effects of f: what it returns is discarded, and nothing is
/// returned.
///
/// f may write to its element. A mutable std::vector<bool> does not compile, as its elements share
/// words: pass std::as_const(flags) to read them, and use a std::vector<char> to write.
template <executor E, std::ranges::input_range R, class F>
void for_each(E& executor, R&& xs, F&& f,
              const typename E::call_options& options = detail::no_options<E>()) {
  detail::check_writable<R>();
  detail::run(executor, options, detail::index_calls(options, f, xs));
}

/// for_each() on the default pool.
template <std::ranges::input_range R, class F>
void for_each(R&& xs, F&& f, const map_options& options = detail::no_map_options) {
  parallel::for_each(default_pool(), xs, f, options);
}

/// for_each() over two ranges side by side, for as many elements as the shorter range has.
template <executor E, std::ranges::input_range R, std::ranges::input_range S, class F>
void for_each(E& executor, R&& xs, S&& ys, F&& f,
              const typename E::call_options& options = detail::no_options<E>()) {
  detail::check_writable<R, S>();
  detail::run(executor, options, detail::index_calls(options, f, xs, ys));
}

/// for_each() over two ranges, on the default pool.
template <std::ranges::input_range R, std::ranges::input_range S, class F>
void for_each(R&& xs, S&& ys, F&& f, const map_options& options = detail::no_map_options) {
  parallel::for_each(default_pool(), xs, ys, f, options);
}

} // namespace parallel
