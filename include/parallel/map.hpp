// map, map_into, for_each and try_map: run a function over the items of a range, on all cores.
//
// The first of three rooms: here a call becomes a loop over indices, detail/loop/loop.hpp shares
// the loop among threads, detail/scheduler/scheduler.hpp holds the threads. Cupboards:
// detail/call/indexed_calls.hpp (a function and its ranges as calls by index),
// detail/call/result_buffer.hpp (results written by many threads).
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

/// Calls run(options), with a progress hook, if there is one, that notes when it throws.
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

/// Runs every call and keeps what has become of each.
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
  } catch (const error&) { // no element's: those are in their outcomes
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

/// Whether threads would write to one word at once if each wrote to its element of an R: those of a
/// std::vector<bool> have no word of their own. (Elements of several ranges may come in a tuple.)
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
/// - `executor`: a thread_pool for work that computes, an io_pool for calls that block; if none is
///   named, default_pool(). The calling thread always takes part, and the call returns when every
///   element is done. It may be made from anywhere, from inside another call's f too.
/// - `xs`: any input range. Random-access ranges are used in place; of forward ranges the iterators
///   are gathered first, and the elements of single-pass ranges are moved to a buffer. A view's own
///   functions (views::transform's, say) are called on many threads as well.
/// - `f`: called as std::invoke(f, x), once for each element, concurrently, through a const
///   reference; it is never copied. A mutable lambda does not compile.
/// - `options`: map_options or io_map_options.
///
/// Results may be move-only, and need no default constructor; bool is written without a race.
/// If calls throw, the exception of the lowest index is rethrown with its type, when no call runs
/// any more: what the plain loop would have thrown. Elements above it are skipped unless they, or
/// others claimed together with them (options.grain), have started; elements below it all run;
/// results built so far are destroyed. A call must not end its thread: pthread_exit() or a
/// cancellation within f ends the program. Throws std::bad_alloc or std::length_error when the
/// result cannot be allocated.
///
/// Cost on a thread_pool: some 20 ns for a call that stays on the calling thread, half a
/// microsecond to share one with workers that are awake, tens of microseconds to wake or start
/// them. A call stays when the remembered cost of its elements comes to less than two microseconds
/// or, with workers asleep, to less than a wake takes, unless such calls follow each other quickly;
/// the first call at a call site is always shared. If elements of a call that stays turn out much
/// dearer than remembered, the first few or, from four microseconds on, any, the rest is shared
/// (one time in eight in calls of up to sixteen elements that have long been cheap). The pages of a
/// fresh result of 1 MiB or more are faulted in by all threads (Linux; from 4 MiB on as huge
/// pages). Besides the result it allocates a few cache lines a thread the first time that so many
/// calls are open at once, a byte or an optional for each result that cannot be assigned in place
/// (bool; types without a default constructor that cannot throw), and the gathered iterators or
/// elements of ranges that are not random-access.
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

/// map() over two ranges side by side: f(x, y) for as many elements as the shorter one has.
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

/// Like map(), but an element that throws spoils nothing but itself: returns a
/// std::vector<outcome<T>>, for each element in input order a value, an exception, or that it was
/// not run because a stop was requested or the deadline passed. `f` may return nothing.
///
/// Every element is run unless the call is ended by its options. Throws what cannot be an
/// element's: std::bad_alloc or std::length_error for the outcomes, and what the progress hook
/// throws.
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

/// try_map() over two ranges side by side, as many elements as the shorter one has.
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

/// Like map(), but assigns the results to out[0], out[1], …, which must exist already, and returns
/// the iterator behind the last. Allocates no result; after an exception some have been assigned.
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

/// map_into() over two ranges side by side, as many elements as the shorter one has.
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

/// Like map(), for the effects of f alone: what it returns is discarded.
///
/// f may write to its element. The elements of a mutable std::vector<bool>, which share words, are
/// refused by the compiler: pass std::as_const(flags) to read them, and use a std::vector<char> to
/// write.
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

/// for_each() over two ranges side by side, as many elements as the shorter one has.
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
