// imap and imap_unordered: results one by one, while threads compute a bounded way ahead.
//
// They are for sources that are too large to hold, or that have no end: a generator,
// std::views::istream, the lines of a file. Consumer and threads share a window of elements
// (detail/stream/window.hpp). Where all results are wanted at once, use map() (map.hpp).
#pragma once

#include <parallel/detail/stream/window.hpp>
#include <parallel/options.hpp>
#include <parallel/pool.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace parallel {

namespace detail {

/// The memory for all elements of a window is allocated at the beginning, so there is a limit.
inline constexpr std::size_t most_window = 1'000'000'000;

inline void check_window(std::size_t window) {
  if (window == 0 || window > most_window)
    throw std::invalid_argument("parallel::imap: window is " + std::to_string(window) +
                                ", must be from 1 to " + std::to_string(most_window));
}

/// How many threads help the consumer of an imap that may have `in_flight` calls under way; 0 means
/// as many calls as the executor has threads.
template <class E>
std::size_t helpers_for(const E& executor, std::size_t in_flight) {
  if (in_flight != 0)
    return smallest(in_flight - 1, most_helpers(executor));
  if constexpr (requires { usual_helpers(executor); })
    return usual_helpers(executor);
  else
    return most_helpers(executor);
}

} // namespace detail

/// What imap() and imap_unordered() return: a view of the results, to go through once, on one
/// thread. Its destructor, at the end of a loop or when the loop is left early, starts no more
/// calls and blocks until those under way have ended.
template <task_executor E, std::ranges::view V, class F>
class imap_view : public std::ranges::view_interface<imap_view<E, V, F>> {
  using window = detail::imap_window<V, F>;

 public:
  /// Called by imap() and imap_unordered(), which describe the arguments. Throws
  /// std::invalid_argument, naming the value, if the window is out of bounds.
  imap_view(E& executor, V source, F f, bool ordered, const imap_options& options)
      : executor_(&executor) {
    detail::check_window(options.window);
    shared_ = std::make_shared<window>(std::move(source), std::move(f), ordered,
                                       detail::helpers_for(executor, options.in_flight), options);
  }

  /// Takes over the other view's results. After that the other view can only be assigned to and
  /// destroyed, and its iterator can only be destroyed.
  imap_view(imap_view&&) noexcept = default;

  /// First ends its own calls as the destructor does; then takes over the other view's results, as
  /// the move constructor does.
  imap_view& operator=(imap_view&& other) noexcept {
    if (this != &other) {
      end_window();
      executor_ = other.executor_;
      shared_ = std::move(other.shared_);
    }
    return *this;
  }
  ~imap_view() { end_window(); }

  /// The consumer's position in the view. The view must not be moved while the iterator is in use.
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag; ///< single-pass
    using value_type = typename window::result; ///< what f returns, without reference or const
    using difference_type = std::ptrdiff_t;     ///< required of iterators; there are no differences

    iterator() = default;
    explicit iterator(imap_view& over) : over_(&over) {} ///< called by begin()
    iterator(iterator&&) noexcept = default;             ///< a view has only one iterator
    iterator& operator=(iterator&&) noexcept = default;  ///< a view has only one iterator

    /// The result, which may be moved from. Throws the exception of the call, if it has thrown.
    value_type& operator*() const { return over_->shared_->front().value(); }

    /// Goes on to the next result. If that is not ready, computes elements, and blocks only when
    /// there are none left to compute.
    iterator& operator++() {
      over_->shared_->advance(*over_->executor_);
      return *this;
    }
    void operator++(int) { ++*this; } ///< like ++i, but returns nothing

    /// True when all results have been consumed.
    friend bool operator==(const iterator& i, std::default_sentinel_t) { return i.at_end(); }

   private:
    [[nodiscard]] bool at_end() const { return over_->shared_->at_end(); }

    imap_view* over_ = nullptr;
  };

  /// Takes the first elements from the source and waits for the first result, computing elements
  /// meanwhile. Call it once.
  iterator begin() & {
    shared_->advance(*executor_);
    return iterator(*this);
  }

  /// Does not compile: the message says how to give the view a name.
  template <bool temporary = true>
  iterator begin() && {
    static_assert(!temporary,
                  "parallel::imap: the view is a temporary, which its iterator would outlive. "
                  "Give it a name first: auto results = parallel::imap(...);");
    return iterator(*this);
  }

  /// What the iterator is equal to when all results have been consumed.
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  void end_window() noexcept {
    if (shared_ == nullptr)
      return;
    dismiss_helpers(*executor_, shared_.get());
    shared_->cancel(*executor_); // may destroy the executor, if the callable owns it
  }

  E* executor_;
  std::shared_ptr<window> shared_; // also with helpers that come late
};

/// Returns a view of the results f(x), in the order of their elements. The executor's threads and
/// the consumer compute them while the consumer goes through the view.
///
/// - `executor`: as for map(); it must outlive the view.
/// - `xs`: any input range, also one without an end. A container given as an rvalue is moved into
///   the view; one given as an lvalue is referred to and must outlive the view. Only the consumer's
///   thread goes through the range, inside begin() and ++, and never more than options.window
///   elements ahead. The elements of a forward range are used in place, on many threads, so the
///   functions of a lazy view are called there too. The elements of a single-pass range are moved
///   out.
/// - `f`: moved or copied into the view; called concurrently through a const reference.
/// - `options`: the window, the number of calls at once, stop, deadline, progress and seed; see
///   imap_options.
///
/// Before a result is handed out, even one that is ready, up to two more elements are taken from
/// the source, so that the threads have work. If the source waits for its next element, such as a
/// person who types, use window = 1: then the source is not asked while a result is unconsumed.
///
/// Exceptions: that of a call comes out of * at the position of its element, and the loop may go on
/// after it. That of the source comes out of * too, after all results before it, and ends the view.
/// Throws std::invalid_argument if the window is out of bounds, or if there is a seed for a
/// callable that takes no random_engine.
///
/// Memory: the window. Cost: about a lock and a wake for each element, or a microsecond; for
/// smaller elements map() over chunks is faster.
template <task_executor E, std::ranges::viewable_range R, class F>
auto imap(E& executor, R&& xs, F&& f, const imap_options& options = {}) {
  return imap_view<E, std::views::all_t<R>, std::decay_t<F>>(
      executor, std::views::all(std::forward<R>(xs)), std::forward<F>(f), true, options);
}

/// imap() on the default pool.
template <std::ranges::viewable_range R, class F>
auto imap(R&& xs, F&& f, const imap_options& options = {}) {
  return parallel::imap(default_pool(), std::forward<R>(xs), std::forward<F>(f), options);
}

/// Like imap(), except that the results come in the order in which their calls end. An exception of
/// the source, a stop or a deadline comes after all results.
template <task_executor E, std::ranges::viewable_range R, class F>
auto imap_unordered(E& executor, R&& xs, F&& f, const imap_options& options = {}) {
  return imap_view<E, std::views::all_t<R>, std::decay_t<F>>(
      executor, std::views::all(std::forward<R>(xs)), std::forward<F>(f), false, options);
}

/// imap_unordered() on the default pool.
template <std::ranges::viewable_range R, class F>
auto imap_unordered(R&& xs, F&& f, const imap_options& options = {}) {
  return parallel::imap_unordered(default_pool(), std::forward<R>(xs), std::forward<F>(f), options);
}

} // namespace parallel
