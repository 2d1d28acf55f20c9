// as_completed: the futures of tasks, each as soon as it is ready.
//
// The pool tells a listener when tasks end (detail/task/task_listeners.hpp); the loop's thread then
// looks which ones those were. What comes as one range of results is imap_unordered's: imap.hpp.
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

/// A future that is ready, and its place in the range that as_completed() was given.
template <class Future>
struct completed {
  /// Its place in the range, from 0.
  std::size_t index;

  /// The one that stands there: its get() does not wait.
  Future& future;
};

/// Options of as_completed.
struct as_completed_options {
  /// Once it says that a stop has been requested there is no more waiting: `stopped` is thrown.
  /// Futures that are ready still come before. Noticed within ten milliseconds.
  stop_condition stop = {};

  /// Once it has passed there is no more waiting: `deadline_exceeded` is thrown. Otherwise like
  /// `stop`.
  time_limit deadline = {};
};

namespace detail {

template <class R>
concept sized_random_access = std::ranges::viewable_range<R> &&
    std::ranges::random_access_range<R> && std::ranges::sized_range<R>;

/// Counts announcements.
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

  /// Waits until there are more than `seen`, or for a while.
  void wait_past(std::uint64_t seen) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(10), [&] { return count_ != seen; });
  }

 private:
  mutex mutex_;
  condition_variable changed_; // only the loop's thread waits on it
  std::uint64_t count_ = 0;
};

/// A loop over futures on its way. It stays in one place, as the pool knows the counter's.
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

  /// Goes on to the next one that is ready, or waits for it.
  void advance() {
    if (++position_ < ready_.size())
      return;
    ready_.clear();
    position_ = 0;
    while (!pending_.empty()) {
      const std::uint64_t seen = counter_.count(); // before the look: later ends are told
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
      if (waits_are_noted<E> || !run_own_task(executor_))
        parallel::blocking([&] { // what it runs here of an io_pool may block, too
          if (!waits_are_noted<E> || !run_own_task(executor_))
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
  /// Its wait for any of the futures that are pending.
  class any_wait final : public pending_wait {
   public:
    explicit any_wait(completion_loop& of) noexcept : of_(of) {}

    [[nodiscard]] bool is_over() const noexcept override {
      try {
        return of_.any_is_ready();
      } catch (...) { // of the range: for who goes through it
        return true;
      }
    }
    [[nodiscard]] bool depends_on(const unfinished_tasks& tasks) const noexcept override {
      try {
        return !of_.stop_ && !of_.limit_.exists() &&
               std::all_of(of_.pending_.begin(), of_.pending_.end(),
                           [&](std::size_t i) { return tasks.include(future_state(of_.at(i))); });
      } catch (...) { // as above
        return false;
      }
    }

   private:
    completion_loop& of_;
  };

  /// Waits until tasks have ended since `seen` and one of the futures is ready, or it is time to
  /// give up. Throws what the executor throws if that would never be.
  void wait_past(std::uint64_t seen) {
    any_wait self(*this);
    const noted_wait<E> noted(executor_, self);
    do {
      noted.check();
      counter_.wait_past(seen);
      seen = counter_.count(); // before the look: later ends are told
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
  std::vector<std::size_t> pending_; // by index
  std::vector<std::size_t> ready_;   // likewise, those that are consumed from here
  std::size_t position_ = SIZE_MAX;  // in ready_; before the first
};

} // namespace detail

/// What as_completed() returns: a view to go through once, on one thread.
template <task_executor E, std::ranges::view V>
class as_completed_view : public std::ranges::view_interface<as_completed_view<E, V>> {
  using loop = detail::completion_loop<E, V>;

 public:
  /// Made by as_completed(), which says what its arguments mean.
  as_completed_view(E& executor, V futures, const as_completed_options& options)
      : loop_(std::make_unique<loop>(executor, std::move(futures), options)) {}

  /// A place in the view, which it must not outlive; all iterators of a view stand at the same one.
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag; ///< single-pass
    /// A future and its index.
    using value_type = completed<std::remove_reference_t<std::ranges::range_reference_t<V>>>;
    using difference_type = std::ptrdiff_t; ///< as the standard wants it; there are no differences

    iterator() = default;
    /// Made by begin().
    explicit iterator(loop& over) : over_(&over) {}

    /// The future that is ready here, and its index.
    value_type operator*() const { return {over_->index(), over_->at(over_->index())}; }

    /// Waits for the next one.
    iterator& operator++() {
      over_->advance();
      return *this;
    }
    void operator++(int) { ++*this; } ///< likewise

    /// True when every future has come.
    friend bool operator==(const iterator& i, std::default_sentinel_t) { return i.over_->at_end(); }

   private:
    loop* over_ = nullptr;
  };

  /// Waits for the first one. Call it once.
  iterator begin() {
    loop_->advance();
    return iterator(*loop_);
  }

  /// What an iterator is equal to when every future has come.
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  std::unique_ptr<loop> loop_;
};

/// A view of futures in the order in which they become ready, each with its index:
/// for (auto [index, future] : as_completed(pool, tasks)) use(inputs[index], future.get());
///
/// - `executor`: where they have been submitted. Within a task of it, the wait runs tasks that this
///   task has submitted and nobody has begun, and is compensated or, where it would never end,
///   refused, as that of the pool's get(). It must outlive the view.
/// - `futures`: a sized random-access range of std::future, std::shared_future or the like, moved
///   into the view if it is an rvalue, else referred to: in the loop take nothing from those that
///   have not come yet, and leave the range its size. Those that are none of this executor's tasks
///   are welcome too, and noticed within ten milliseconds. A deferred one counts as ready: its
///   get() runs it.
///
/// Any number of them may be ready at once: these come in the order of their indices. Leaving the
/// loop early leaves the other tasks to go on. Throws std::invalid_argument, naming the index, when
/// a future is not valid. Cost: a look at each future that is not ready, for each time that tasks
/// have ended.
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
