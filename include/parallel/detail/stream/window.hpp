// Elements on their way from a source through threads to a consumer, a bounded number at a time.
//
// The consumer pulls elements into slots, helpers and the consumer itself compute those that wait,
// and the consumer takes the results. One mutex guards it all, as an element costs a wake or so
// anyway. Entered from imap.hpp.
#pragma once

#include <parallel/detail/call/indexed_calls.hpp>
#include <parallel/detail/control/controlled_body.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/condition_variable.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/task/pending_wait.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/errors.hpp>
#include <parallel/options.hpp>
#include <parallel/outcome.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <ranges>
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
class imap_window : public std::enable_shared_from_this<imap_window<V, F>> {
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
  static_assert(checked);

 public:
  using result = std::remove_cvref_t<decltype(detail::call_for(std::declval<const F&>(), 0, 0,
                                                               std::declval<argument>()))>;
  static_assert(!std::is_void_v<result>,
                "parallel::imap: the callable returns nothing to go through. Use "
                "parallel::for_each, or return a value.");

  imap_window(V source, F f, bool ordered, std::size_t helpers, const imap_options& options)
      : source_(std::move(source)), f_(std::move(f)), ordered_(ordered),
        seed_(detail::seed_from<takes_random<F, argument>>(options)),
        slots_(helpers != 0 ? options.window : 1), waiting_(slots_.size()), results_(slots_.size()),
        free_(slots_.size()), stop_(options.stop.query()), limit_(options.deadline.ns_left()),
        report_(options.progress.call()), total_(detail::size_hint(*source_)),
        most_helpers_(helpers) {
    for (std::size_t number = 0; number < slots_.size(); ++number)
      free_.push(number);
  }

  /// Consumer: lets go of the front, if there is one, and goes on to the next result.
  template <class E>
  void advance(E& executor) {
    const bool was_last = front_ != none && !slots_[front_].output.has_run();
    if (front_ != none) {
      slots_[front_].output.reset(); // not under the mutex, as it may take its time
      consumed_ += was_last ? 0 : 1;
    }
    next(executor, was_last);
    if (report_)
      report(front_ == none);
  }

  /// Consumer.
  [[nodiscard]] bool at_end() const noexcept { return front_ == none; }
  [[nodiscard]] outcome<result>& front() noexcept { return slots_[front_].output; }

  /// Consumer: no call is begun any more; returns when none is under way. What was the user's is
  /// gone then, though a helper may still come, and find nothing to do.
  template <class E>
  void cancel(E& executor) noexcept {
    std::unique_lock lock(mutex_);
    cancelled_ = true;
    if (running_ != 0)
      wait(lock, executor, [this] { return running_ == 0; });
    // From here on nobody else looks at anything but cancelled_; and what is destroyed may wait for
    // a helper that comes late.
    lock.unlock();
    try {
      if (report_)
        report(true);
    } catch (...) {
      // There is nobody to tell: the loop has been left already.
    }
    std::vector<slot>().swap(slots_); // and their memory
    at_.reset();
    source_.reset();
    f_.reset();
    stop_ = {};
    report_ = {};
  }

 private:
  static constexpr std::size_t none = SIZE_MAX;

  struct slot {
    std::optional<held> input;
    std::size_t index = 0; // of the element in its source
    outcome<result> output;
    bool done = false;
  };

  /// The rest of advance().
  template <class E>
  void next(E& executor, bool was_last) {
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
        wait(lock, executor, [this] { return ready() || running_ == 0; });
      } else {
        if (ending_ != nullptr) {
          front_ = free_.pop();
          slots_[front_].output.set_not_run(std::exchange(ending_, nullptr));
        }
        return; // at the end
      }
    }
  }

  /// Consumer: waits until others have come so far that is_over().
  template <class E, class IsOver>
  void wait(std::unique_lock<mutex>& lock, E& executor, const IsOver& is_over) noexcept {
    consumer_wait<IsOver> self(*this, is_over);
    lock.unlock(); // the executor's mutex comes first
    {
      const noted_wait<E> noted(executor, self);
      lock.lock();
      consumer_waits_ = true;
      changed_.wait(lock, is_over);
      consumer_waits_ = false;
      lock.unlock();
    }
    lock.lock();
  }

  /// That wait, as the executor sees it.
  template <class IsOver>
  class consumer_wait final : public pending_wait {
   public:
    consumer_wait(imap_window& of, const IsOver& is_over) noexcept : of_(of), is_over_(is_over) {}
    [[nodiscard]] bool is_over() const noexcept override {
      const std::lock_guard lock(of_.mutex_);
      return is_over_();
    }
    [[nodiscard]] bool depends_on(const unfinished_tasks&) const noexcept override { return true; }

   private:
    imap_window& of_;
    const IsOver& is_over_;
  };

  /// Consumer: tells the progress hook, if it is time to; the last time only once.
  void report(bool last) {
    const std::int64_t now = steady_ns();
    if (reported_last_ || (!last && now - reported_ns_ < controlled_body::report_every_ns))
      return;
    reported_ns_ = now;
    reported_last_ = last;
    report_({consumed_, total_, static_cast<double>(now - start_ns_) * 1e-9, last});
  }

  /// Helps when a thread comes for it, or finds that nothing is left to do. After a while it goes
  /// back to the end of the queue, as others may wait for the thread, and an imap may never end;
  /// from a pool that is shut down it stays away.
  template <class E>
  class helper final : public queued_task {
   public:
    helper(std::shared_ptr<imap_window> with, E& executor)
        : queued_task(with.get()), with_(std::move(with)), executor_(executor) {}
    void run() noexcept override {
      const std::shared_ptr<imap_window> with = with_; // once queued, this may be run and deleted
      if (!with->help()) {
        delete this;
        return;
      }
      const bool comes_again = run_later(executor_, *this);
      if (!comes_again)
        delete this;
      with->end_handover(comes_again);
    }
    void discard() noexcept override {
      with_->do_without();
      delete this;
    }

   private:
    std::shared_ptr<imap_window> with_;
    E& executor_;
  };

  /// How long a helper keeps its thread at most, but for its last element.
  static constexpr double longest_help_ns = 10'000'000;

  [[nodiscard]] bool ready() const noexcept {
    return !results_.empty() && slots_[results_.front()].done;
  }

  /// Takes one element out of the source, without holding the mutex: only the consumer does that.
  template <class E>
  void pull(std::unique_lock<mutex>& lock, E& executor) {
    const std::size_t number = free_.pop();
    slot& into = slots_[number];
    into.done = false;
    into.index = pulled_++;
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
        end_with(into.index, std::move(error));
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
  void recruit(std::unique_lock<mutex>& lock, E& executor) {
    ++helpers_;
    lock.unlock();
    if constexpr (requires { module_of(executor); })
      keep_this_module_for(module_of(executor));
    bool coming = false;
    try {
      auto task = std::make_unique<helper<E>>(this->shared_from_this(), executor);
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

  /// True if its helper has been here for long enough and is to come again; else it has left. Until
  /// end_handover() the consumer does not let go of the executor then.
  [[nodiscard]] bool help() noexcept {
    const std::uint64_t began = quick_clock::now();
    std::unique_lock lock(mutex_);
    while (!cancelled_ && !waiting_.empty()) {
      run_one(lock);
      const double ns = quick_clock::ns_between(began, quick_clock::now());
      if ((ns < 0 || ns > longest_help_ns) && !cancelled_) { // below 0: the clock was set back
        ++running_;
        return true;
      }
    }
    --helpers_;
    return false;
  }

  /// After help() has been true: the helper is queued again, or stays away.
  void end_handover(bool comes_again) noexcept {
    const std::lock_guard lock(mutex_);
    helpers_ -= comes_again ? 0 : 1;
    --running_;
    if (consumer_waits_)
      changed_.notify_one(); // under the lock, as in run_one()
  }

  /// A helper does not come.
  void do_without() noexcept {
    const std::lock_guard lock(mutex_);
    --helpers_;
  }

  /// Computes the element that has waited longest.
  void run_one(std::unique_lock<mutex>& lock) noexcept {
    const std::size_t number = waiting_.pop();
    slot& one = slots_[number];
    ++running_;
    lock.unlock();
    try {
      const trace_span span("element", {"index", one.index});
      if (stop_ && stop_())
        one.output.set_not_run(std::make_exception_ptr(stopped()));
      else if (limit_.has_passed())
        one.output.set_not_run(std::make_exception_ptr(deadline_exceeded()));
      else
        one.output.emplace(
            detail::call_for(std::as_const(*f_), seed_, one.index, element(*one.input)));
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
      end_with(one.index, one.output.error());
      one.output.reset();
      free_.push(number);
    }
    --running_;
    if (consumer_waits_)
      changed_.notify_one(); // under the lock: the consumer may go, and the stream with it
  }

  /// Under the mutex. Of all that ends the stream the one of the lowest index counts, as it does
  /// where the results come in order.
  void end_with(std::size_t index, std::exception_ptr ending) noexcept {
    if (ending_ != nullptr && ending_index_ < index)
      return;
    ending_ = std::move(ending);
    ending_index_ = index;
  }

  std::optional<V> source_;
  std::optional<F> f_;
  const bool ordered_;
  const std::uint64_t seed_;

  // The consumer's alone:
  std::optional<std::ranges::iterator_t<V>> at_; // in source_, at the element pulled last
  std::size_t pulled_ = 0;
  std::size_t consumed_ = 0;

  mutex mutex_;                // guards what follows, but for the slots in somebody's hands
  condition_variable changed_; // only the consumer waits on it
  std::vector<slot> slots_;
  slot_queue waiting_; // pulled, and not yet begun
  slot_queue results_; // in the order in which they are to be consumed
  slot_queue free_;
  std::size_t front_ = none; // with the consumer; its alone
  controlled_body::stop_query stop_;
  const deadline limit_;
  controlled_body::progress_call report_;
  const std::size_t total_;
  const std::int64_t start_ns_ = steady_ns();
  std::int64_t reported_ns_ = start_ns_; // the consumer's, as is the next
  bool reported_last_ = false;
  std::size_t most_helpers_;
  std::size_t helpers_ = 0; // under way, or coming
  std::size_t running_ = 0; // calls under way, and helpers on their way back to the queue
  bool source_ended_ = false;
  std::exception_ptr ending_;    // what comes behind the last result: the source's exception, say
  std::size_t ending_index_ = 0; // of the element that it stands for, while there is one
  bool cancelled_ = false;
  bool consumer_waits_ = false;
};

} // namespace parallel::detail
