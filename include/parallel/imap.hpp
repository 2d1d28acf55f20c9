// imap and imap_unordered: results one by one, while threads compute some way ahead.
//
// For sources that are too large to hold or have no end: a generator, std::views::istream, the
// lines of a file. What consumer and helpers share is in detail/stream/window.hpp; map.hpp is for
// ranges whose results are wanted all at once.
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

/// A window holds its elements in memory that is allocated at the beginning.
inline constexpr std::size_t most_window = 1'000'000'000;

inline void check_window(std::size_t window) {
  if (window == 0 || window > most_window)
    throw std::invalid_argument("parallel::imap: window is " + std::to_string(window) +
                                ", must be from 1 to " + std::to_string(most_window));
}

/// How many threads help the consumer of an imap that is to have `in_flight` calls under way.
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

/// What imap returns: a view to go through once. Its destruction, at the end of a loop or in the
/// middle of it, waits for the calls that are under way and makes no more.
template <task_executor E, std::ranges::view V, class F>
class imap_view : public std::ranges::view_interface<imap_view<E, V, F>> {
  using window = detail::imap_window<V, F>;

 public:
  /// Made by imap() and imap_unordered(), which say what its arguments mean. Throws
  /// std::invalid_argument, naming the value, when the window is out of bounds.
  imap_view(E& executor, V source, F f, bool ordered, const imap_options& options)
      : executor_(&executor) {
    detail::check_window(options.window);
    shared_ = std::make_shared<window>(std::move(source), std::move(f), ordered,
                                       detail::helpers_for(executor, options.in_flight), options);
  }

  /// Takes the stream over: the other view can then only be assigned to and destroyed, and its
  /// iterator only be destroyed.
  imap_view(imap_view&&) noexcept = default;

  /// Likewise, after its own stream has ended as by its destructor.
  imap_view& operator=(imap_view&& other) noexcept {
    if (this != &other) {
      end_window();
      executor_ = other.executor_;
      shared_ = std::move(other.shared_);
    }
    return *this;
  }
  ~imap_view() { end_window(); }

  /// The place in the view where the consumer is; the view must stay where it is meanwhile.
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag; ///< single-pass
    using value_type = typename window::result; ///< what f returns, without reference or const
    using difference_type = std::ptrdiff_t; ///< as the standard wants it; there are no differences

    iterator() = default;
    explicit iterator(imap_view& over) : over_(&over) {} ///< made by begin()
    iterator(iterator&&) noexcept = default;             ///< the only one of its view
    iterator& operator=(iterator&&) noexcept = default;  ///< likewise

    /// The result, which may be moved from; if the call has thrown, its exception.
    value_type& operator*() const { return over_->shared_->front().value(); }

    /// Waits for the next result, computing elements meanwhile.
    iterator& operator++() {
      over_->shared_->advance(*over_->executor_);
      return *this;
    }
    void operator++(int) { ++*this; } ///< likewise

    /// True when all results have come.
    friend bool operator==(const iterator& i, std::default_sentinel_t) { return i.at_end(); }

   private:
    [[nodiscard]] bool at_end() const { return over_->shared_->at_end(); }

    imap_view* over_ = nullptr;
  };

  /// Takes the first elements and waits for the first result. Call it once.
  iterator begin() & {
    shared_->advance(*executor_);
    return iterator(*this);
  }

  /// Refused by the compiler, in words that say what to do.
  template <bool temporary = true>
  iterator begin() && {
    static_assert(!temporary,
                  "parallel::imap: the view is a temporary, which its iterator would outlive. "
                  "Give it a name first: auto results = parallel::imap(...);");
    return iterator(*this);
  }

  /// What the iterator is equal to when all results have come.
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  void end_window() noexcept {
    if (shared_ == nullptr)
      return;
    dismiss_helpers(*executor_, shared_.get());
    shared_->cancel(*executor_); // which may let go of the executor, if the callable owns it
  }

  E* executor_;
  std::shared_ptr<window> shared_; // with helpers that come late, too
};

/// A view of the results f(x) in the order of their elements, computed by the executor's threads
/// and the consumer while this goes through them.
///
/// - `executor`: as for map(); must outlive the view.
/// - `xs`: any input range, also one without an end. A container given as an rvalue is moved into
///   the view, one given as an lvalue is referred to. Only the consumer's thread goes through it,
///   inside begin() and ++, and never for more than options.window elements ahead. Of forward
///   ranges the elements are used in place, on many threads (so a view's own functions are called
///   there too); those of single-pass ranges are moved out.
/// - `f`: kept in the view, called concurrently through a const reference.
///
/// Before a result is handed out, also one that is ready, up to two more elements are asked for, so
/// that threads have something to do. From a source that waits for its next element, such as a
/// person who types, take window = 1: nothing is asked for then while a result is unconsumed.
///
/// An exception of f, or of the source, comes out of * at the position of its element, all results
/// before it having come; after one of f's the loop may go on. Memory: the window. Cost: a lock and
/// a wake or so for each element, a microsecond; for smaller elements map() over chunks is quicker.
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

/// Like imap(), but the results come in the order in which their calls end.
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
