// Elements on their way from a source through threads to a consumer, a bounded number at a time.
//
// The consumer pulls elements into slots, helpers and the consumer itself compute those that wait,
// and the consumer takes the results. One mutex guards it all, as an element costs a wake or so
// anyway. Entered from imap.hpp.
#pragma once

#include <parallel/detail/calls.hpp>
#include <parallel/detail/control.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/task_queue.hpp>
#include <parallel/errors.hpp>
#include <parallel/outcome.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallel::detail {

/// Numbers of slots, first in, first out; never more than there are slots.
class slot_queue {
 public:
  explicit slot_queue(std::size_t slots) : numbers_(slots) {}
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t front() const noexcept { return numbers_[first_]; }
  void push(std::size_t slot) noexcept { numbers_[(first_ + count_++) % numbers_.size()] = slot; }
  std::size_t pop() noexcept {
    const std::size_t slot = front();
    first_ = (first_ + 1) % numbers_.size();
    --count_;
    return slot;
  }

 private:
  std::vector<std::size_t> numbers_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

template <class V, class F>
class stream : public std::enable_shared_from_this<stream<V, F>> {
  using reference = std::ranges::range_reference_t<V>;
  using value = std::ranges::range_value_t<V>;

  /// Elements of forward ranges are used where they are.
  static constexpr bool in_place = std::ranges::forward_range<V>;
  using held = std::conditional_t<in_place, std::ranges::iterator_t<V>, value>;

  static decltype(auto) element(held& one) {
    if constexpr (in_place)
      return *one;
    else if constexpr (!std::is_lvalue_reference_v<reference>)
      return std::move(one);
    else if constexpr (std::is_const_v<std::remove_reference_t<reference>>)
      return std::as_const(one);
    else
      return (one);
  }

  using argument = decltype(element(std::declval<held&>()));
  static constexpr bool checked = (check_callable<F, argument>(), true);
  static_assert(checked && !takes_random<F, argument>,
                "parallel::imap: random numbers for each element are map()'s.");

 public:
  using result = std::remove_cvref_t<decltype(detail::call(std::declval<const F&>(),
                                                           std::declval<argument>()))>;
  static_assert(!std::is_void_v<result>,
                "parallel::imap: the callable returns nothing to go through. Use "
                "parallel::for_each, or return a value.");

  stream(V source, F f, bool ordered, std::size_t window, std::size_t helpers,
         const control::stop_query& stop, std::int64_t limit_ns)
      : source_(std::move(source)), f_(std::move(f)), ordered_(ordered),
        slots_(helpers != 0 ? window : 1), waiting_(slots_.size()), results_(slots_.size()),
        free_(slots_.size()), stop_(stop), limited_(limit_ns != control::no_limit),
        end_ns_(limited_ && limit_ns < control::no_limit - steady_ns() ? steady_ns() + limit_ns
                                                                       : control::no_limit),
        most_helpers_(helpers) {
    for (std::size_t number = 0; number < slots_.size(); ++number)
      free_.push(number);
  }

  /// Consumer: lets go of the front, if there is one, and goes on to the next result.
  template <class E>
  void advance(E& executor) {
    const bool was_last = front_ != none && !slots_[front_].output.has_run();
    if (front_ != none)
      slots_[front_].output.reset(); // not under the mutex, as it may take its time
    std::unique_lock lock(mutex_);
    if (front_ != none)
      free_.push(std::exchange(front_, none));
    if (was_last)
      return;
    for (int pulled = 0;;) {
      // Two for each that is consumed, until the window is full: or else a quick consumer would
      // find its helpers idle.
      if (!source_ended_ && !free_.empty() && (pulled < 2 || !ready())) {
        ++pulled;
        pull(lock, executor);
      } else if (ready()) {
        front_ = results_.pop();
        return;
      } else if (!waiting_.empty()) {
        run_one(lock);
      } else if (running_ != 0) {
        consumer_waits_ = true;
        changed_.wait(lock);
        consumer_waits_ = false;
      } else {
        if (ending_ != nullptr) {
          front_ = free_.pop();
          slots_[front_].output.set_not_run(std::exchange(ending_, nullptr));
        }
        return; // at the end
      }
    }
  }

  /// Consumer.
  [[nodiscard]] bool at_end() const noexcept { return front_ == none; }
  [[nodiscard]] outcome<result>& front() noexcept { return slots_[front_].output; }

  /// Consumer: no call is begun any more; returns when none is under way. What was the user's is
  /// gone then, though a helper may still come, and find nothing to do.
  void cancel() noexcept {
    std::unique_lock lock(mutex_);
    cancelled_ = true;
    consumer_waits_ = true;
    changed_.wait(lock, [this] { return running_ == 0; });
    // From here on nobody else looks at anything but cancelled_; and what is destroyed may wait for
    // a helper that comes late.
    lock.unlock();
    std::vector<slot>().swap(slots_); // and their memory
    at_.reset();
    source_.reset();
    f_.reset();
    stop_ = {};
  }

 private:
  static constexpr std::size_t none = SIZE_MAX;

  struct slot {
    std::optional<held> input;
    outcome<result> output;
    bool done = false;
  };

  /// Helps when a thread comes for it, or finds that nothing is left to do.
  class helper final : public queued_task {
   public:
    explicit helper(std::shared_ptr<stream> with) : with_(std::move(with)) {}
    void run() noexcept override {
      with_->help();
      delete this;
    }

   private:
    std::shared_ptr<stream> with_;
  };

  [[nodiscard]] bool ready() const noexcept {
    return !results_.empty() && slots_[results_.front()].done;
  }

  /// Takes one element out of the source, without holding the mutex: only the consumer does that.
  template <class E>
  void pull(std::unique_lock<std::mutex>& lock, E& executor) {
    const std::size_t number = free_.pop();
    slot& into = slots_[number];
    into.done = false;
    lock.unlock();
    bool ended = false;
    std::exception_ptr error;
    try {
      // ++ only now: it may take an element from where they come from.
      if (at_.has_value())
        ++*at_;
      else
        at_.emplace(std::ranges::begin(*source_));
      ended = *at_ == std::ranges::end(*source_);
      if (!ended) {
        if constexpr (in_place)
          into.input.emplace(*at_);
        else
          into.input.emplace(std::ranges::iter_move(*at_));
      }
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (ended || error != nullptr) {
      source_ended_ = true;
      if (error != nullptr)
        ending_ = std::move(error);
      free_.push(number);
      return;
    }
    waiting_.push(number);
    if (ordered_)
      results_.push(number);
    if (helpers_ < most_helpers_)
      recruit(lock, executor);
  }

  template <class E>
  void recruit(std::unique_lock<std::mutex>& lock, E& executor) {
    ++helpers_;
    lock.unlock();
    bool coming = false;
    try {
      auto task = std::make_unique<helper>(this->shared_from_this());
      coming = run_later(executor, *task);
      if (coming)
        static_cast<void>(task.release()); // the queue's
    } catch (const std::bad_alloc&) {
      // no memory: the consumer computes
    }
    lock.lock();
    if (!coming)
      most_helpers_ = --helpers_;
  }

  void help() noexcept {
    std::unique_lock lock(mutex_);
    while (!cancelled_ && !waiting_.empty())
      run_one(lock);
    --helpers_;
  }

  /// Computes the element that has waited longest.
  void run_one(std::unique_lock<std::mutex>& lock) noexcept {
    const std::size_t number = waiting_.pop();
    slot& one = slots_[number];
    ++running_;
    lock.unlock();
    try {
      if (stop_ && stop_())
        one.output.set_not_run(std::make_exception_ptr(stopped()));
      else if (limited_ && steady_ns() >= end_ns_)
        one.output.set_not_run(std::make_exception_ptr(deadline_exceeded()));
      else
        one.output.emplace(detail::call(std::as_const(*f_), element(*one.input)));
    } catch (...) {
      one.output.set_failed(std::current_exception());
    }
    one.input.reset();
    lock.lock();
    one.done = true;
    if (!one.output.has_run()) // there is no point in taking more
      source_ended_ = true;
    if (!ordered_ && one.output.has_run()) {
      results_.push(number);
    } else if (!ordered_) { // told when all results have been consumed
      ending_ = one.output.error();
      one.output.reset();
      free_.push(number);
    }
    --running_;
    if (consumer_waits_)
      changed_.notify_one(); // under the lock: the consumer may go, and the stream with it
  }

  std::optional<V> source_;
  std::optional<F> f_;
  const bool ordered_;
  std::optional<std::ranges::iterator_t<V>> at_; // in source_, at the element pulled last

  std::mutex mutex_;                // guards what follows, but for the slots in somebody's hands
  std::condition_variable changed_; // only the consumer waits on it
  std::vector<slot> slots_;
  slot_queue waiting_; // pulled, and not yet begun
  slot_queue results_; // in the order in which they are to be consumed
  slot_queue free_;
  std::size_t front_ = none; // with the consumer; its alone
  control::stop_query stop_;
  const bool limited_;
  const std::int64_t end_ns_; // on the steady clock
  std::size_t most_helpers_;
  std::size_t helpers_ = 0; // under way, or coming
  std::size_t running_ = 0; // calls under way
  bool source_ended_ = false;
  std::exception_ptr ending_; // what comes behind the last result: the source's exception, say
  bool cancelled_ = false;
  bool consumer_waits_ = false;
};

} // namespace parallel::detail
