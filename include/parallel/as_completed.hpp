// as_completed: the futures of tasks, each as soon as it is ready.
//
// The pool tells a listener when tasks have ended (detail/task/task_listeners.hpp); the thread of
// the loop then checks which futures are ready. For one function over a range of elements, use
// imap_unordered (imap.hpp).
#pragma once

#include <parallel/blocking.hpp>
#include <parallel/detail/platform/condition_variable.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/pending_wait.hpp>
#include <parallel/detail/task/submitted_task.hpp>
#include <parallel/detail/task/task_listeners.hpp>
#include <parallel/errors.hpp>
#include <parallel/options.hpp>
#include <parallel/pool.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallel {

/// A future that is ready, and its index in the range that as_completed() was given.
template <class Future>
struct completed {
  /// The future's index in the range, from 0.
  std::size_t index;

  /// The future at that index, in the range itself: its get() does not wait.
  Future& future;
};

/// Options of as_completed().
struct as_completed_options {
  /// Once this says that a stop has been requested, the loop does not wait any more: ++ or begin()
  /// throws `stopped`. Futures that are ready still come before that. A wait notices the request
  /// within ten milliseconds.
  stop_condition stop = {};

  /// Once this time has passed, the loop does not wait any more: ++ or begin() throws
  /// `deadline_exceeded`. Futures that are ready still come before that. A wait notices it within
  /// ten milliseconds.
  time_limit deadline = {};
};

namespace detail {

template <class R>
concept sized_random_access = std::ranges::viewable_range<R> &&
    std::ranges::random_access_range<R> && std::ranges::sized_range<R>;

/// Counts how often the pool has told it that tasks have ended.
class completion_counter final : public task_listener {
 public:
  void tasks_ended() noexcept override {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_one();
  }

  [[nodiscard]] std::uint64_t count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

  /// Waits until the count is no longer `seen`, ten milliseconds at most.
  void wait_past(std::uint64_t seen) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(10), [&] { return count_ != seen; });
  }

 private:
  mutex mutex_;
  condition_variable changed_; // only the loop's thread waits on it
  std::uint64_t count_ = 0;
};

/// The state of a loop over futures. It must stay where it is, because the pool keeps the address
/// of the counter.
template <class E, class V>
class completion_loop {
 public:
  completion_loop(E& executor, V futures, const as_completed_options& options)
      : executor_(executor), futures_(std::move(futures)), stop_(options.stop.query()),
        limit_(options.deadline.ns_left()) {
    const auto size = static_cast<std::size_t>(std::ranges::size(futures_));
    pending_.reserve(size);
    ready_.reserve(size);
    for (std::size_t i = 0; i < size; ++i) {
      if (!at(i).valid())
        throw std::invalid_argument("parallel::as_completed: future " + std::to_string(i) +
                                    " is not valid: get() has been called, or it was moved from");
      pending_.push_back(i);
    }
    add_listener(executor_, counter_);
  }
  completion_loop(const completion_loop&) = delete;
  completion_loop& operator=(const completion_loop&) = delete;
  ~completion_loop() { remove_listener(executor_, counter_); }

  /// Goes on to the next future that is ready, and waits for one if none is.
  void advance() {
    if (++position_ < ready_.size())
      return;
    ready_.clear();
    position_ = 0;
    while (!pending_.empty()) {
      // Before the check, to notice tasks that end after it.
      const std::uint64_t seen = counter_.count();
      std::erase_if(pending_, [&](std::size_t i) {
        const bool ready = is_ready(at(i));
        if (ready)
          ready_.push_back(i);
        return ready;
      });
      if (!ready_.empty())
        return;
      if (stop_ && stop_())
        throw stopped();
      if (limit_.has_passed())
        throw deadline_exceeded();
      if (tracks_waits<E> || !run_own_task(executor_))
        parallel::blocking([&] { // a task of an io_pool that runs here may block, too
          if (!tracks_waits<E> || !run_own_task(executor_))
            wait_past(seen);
        });
    }
  }

  [[nodiscard]] bool at_end() const noexcept { return position_ == ready_.size(); }
  [[nodiscard]] std::size_t index() const noexcept { return ready_[position_]; }
  [[nodiscard]] auto& at(std::size_t i) {
    return std::ranges::begin(futures_)[static_cast<std::ranges::range_difference_t<V>>(i)];
  }

 private:
  /// The loop's wait for any of the pending futures, as the executor sees it.
  class any_wait final : public pending_wait {
   public:
    explicit any_wait(completion_loop& loop) noexcept : loop_(loop) {}

    [[nodiscard]] bool is_over() const noexcept override {
      try {
        return loop_.any_is_ready();
      } catch (...) { // the range throws: end the wait, so that the loop's thread sees it, too
        return true;
      }
    }
    [[nodiscard]] bool depends_on(const unfinished_tasks& tasks) const noexcept override {
      try {
        return !loop_.stop_ && !loop_.limit_.exists() &&
               std::all_of(loop_.pending_.begin(), loop_.pending_.end(),
                           [&](std::size_t i) { return tasks.include(future_state(loop_.at(i))); });
      } catch (...) { // the range throws, as above
        return false;
      }
    }

   private:
    completion_loop& loop_;
  };

  /// Waits until a future is ready, or until a stop or the deadline. `seen` is the count before the
  /// last check. Throws what the executor throws if the wait would never end.
  void wait_past(std::uint64_t seen) {
    any_wait self(*this);
    const tracked_wait<E> tracked(executor_, self);
    do {
      tracked.check();
      counter_.wait_past(seen);
      seen = counter_.count(); // before the check below, as in advance()
    } while (!any_is_ready() && !(stop_ && stop_()) && !limit_.has_passed());
  }

  [[nodiscard]] bool any_is_ready() {
    return std::any_of(pending_.begin(), pending_.end(),
                       [this](std::size_t i) { return is_ready(at(i)); });
  }

  E& executor_;
  V futures_;
  controlled_body::stop_query stop_;
  const deadline limit_;
  completion_counter counter_;
  std::vector<std::size_t> pending_; // indices of the futures that were not ready at the last check
  std::vector<std::size_t> ready_;   // indices of those that were, to be consumed
  std::size_t position_ = SIZE_MAX;  // in ready_; SIZE_MAX: before the first one
};

} // namespace detail

/// What as_completed() returns: a view of the futures, to go through once, on one thread.
template <task_executor E, std::ranges::view V>
class as_completed_view : public std::ranges::view_interface<as_completed_view<E, V>> {
  using loop = detail::completion_loop<E, V>;

 public:
  /// Called by as_completed(), which describes the arguments.
  as_completed_view(E& executor, V futures, const as_completed_options& options)
      : loop_(std::make_unique<loop>(executor, std::move(futures), options)) {}

  /// The position of the loop. It must not outlive the view; all iterators of a view share one
  /// position.
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag; ///< single-pass
    /// A future and its index.
    using value_type = completed<std::remove_reference_t<std::ranges::range_reference_t<V>>>;
    using difference_type = std::ptrdiff_t; ///< required of iterators; there are no differences

    iterator() = default;
    /// Called by begin().
    explicit iterator(loop& over) : over_(&over) {}

    /// A future that is ready, and its index.
    value_type operator*() const { return {over_->index(), over_->at(over_->index())}; }

    /// Goes on to the next future that is ready, and waits for one if none is.
    iterator& operator++() {
      over_->advance();
      return *this;
    }
    void operator++(int) { ++*this; } ///< like ++i, but returns nothing

    /// True when every future has been consumed.
    friend bool operator==(const iterator& i, std::default_sentinel_t) { return i.over_->at_end(); }

   private:
    loop* over_ = nullptr;
  };

  /// Waits until a future is ready. Call it once.
  iterator begin() {
    loop_->advance();
    return iterator(*loop_);
  }

  /// What an iterator is equal to when every future has been consumed.
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  std::unique_ptr<loop> loop_;
};

/// Returns a view of futures in the order in which they become ready, each with its index:
/// for (auto [index, future] : as_completed(pool, tasks)) use(inputs[index], future.get());
///
/// - `executor`: the pool that the tasks have been submitted to. It must outlive the view.
/// - `futures`: a sized random-access range of std::future, std::shared_future or the like. An
///   rvalue is moved into the view; an lvalue is referred to, and must outlive the view: in the
///   loop, do not take anything from futures that have not come yet, and do not change the range's
///   size. Futures that do not belong to this executor's tasks are accepted too; the loop notices
///   within ten milliseconds that they are ready. A deferred future counts as ready: its get() runs
///   it.
/// - `options`: a stop condition and a deadline; see as_completed_options.
///
/// Futures that are found ready at the same time come in the order of their indices. Leaving the
/// loop early does not stop the other tasks.
///
/// The loop blocks its thread while no future is ready. Within a task of the executor it treats
/// such a wait as the pool's get() does: it first runs tasks that this task has submitted and no
/// thread has begun; a thread_pool compensates for the wait, and an io_pool throws if it would
/// never end.
///
/// Throws std::invalid_argument, naming the index, if a future is not valid. Cost: each time that
/// tasks have ended, one check of each future that is not ready yet.
template <task_executor E, detail::sized_random_access R>
auto as_completed(E& executor, R&& futures, const as_completed_options& options = {}) {
  static_assert(std::is_lvalue_reference_v<std::ranges::range_reference_t<R>>,
                "parallel::as_completed: the range makes its futures on the fly; keep them in a "
                "vector.");
  return as_completed_view<E, std::views::all_t<R>>(
      executor, std::views::all(std::forward<R>(futures)), options);
}

/// as_completed() for tasks of the default pool.
template <detail::sized_random_access R>
auto as_completed(R&& futures, const as_completed_options& options = {}) {
  return parallel::as_completed(default_pool(), std::forward<R>(futures), options);
}

} // namespace parallel
