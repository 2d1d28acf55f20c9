// The window of an imap: the elements that have been taken from the source and not yet consumed.
//
// The consumer takes elements from the source into free entries. Helpers, and the consumer itself,
// compute the elements that wait, and the consumer takes the results. A window has a fixed number
// of entries, which bounds memory and how far the threads run ahead. One mutex guards it all,
// because an element costs about a wake anyway.
#pragma once

#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/loaded_code.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/stream/consumer_signal.hpp>
#include <parallel/detail/stream/element_call.hpp>
#include <parallel/detail/stream/element_source.hpp>
#include <parallel/detail/stream/index_queue.hpp>
#include <parallel/detail/stream/progress_reporter.hpp>
#include <parallel/detail/stream/window_helper.hpp>
#include <parallel/options.hpp>
#include <parallel/outcome.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace parallel::detail {

template <class V, class F>
class imap_window : public std::enable_shared_from_this<imap_window<V, F>> {
  using source = element_source<V>;
  using call = element_call<source, F>;

 public:
  using result = typename call::result;

  /// `helpers` is the most that may be there at once. Without any, the consumer computes alone, and
  /// one entry is enough.
  imap_window(V range, F f, bool ordered, std::size_t helpers, const imap_options& options)
      : source_(std::move(range)), call_(std::move(f), options), ordered_(ordered),
        entries_(helpers != 0 ? options.window : 1), waiting_(entries_.size()),
        results_(entries_.size()), free_(entries_.size()),
        progress_(options.progress.call(), source_.size_hint()), most_helpers_(helpers) {
    for (std::size_t number = 0; number < entries_.size(); ++number)
      free_.push(number);
  }

  // Called by the consumer only:

  /// Destroys the front result, if there is one, and goes on to the next.
  template <class E>
  void advance(E& executor) {
    const bool was_last = front_ != none && !entries_[front_].output.has_run();
    if (front_ != none) {
      entries_[front_].output.reset(); // not under the mutex, as it may take its time
      consumed_ += was_last ? 0 : 1;
    }
    next(executor, was_last);
    progress_.report(consumed_, front_ == none);
  }

  [[nodiscard]] bool at_end() const noexcept { return front_ == none; }
  [[nodiscard]] outcome<result>& front() noexcept { return entries_[front_].output; }

  /// Starts no more calls, waits until none is under way, and destroys what is the user's. A helper
  /// may still come later; it finds nothing to do.
  template <class E>
  void cancel(E& executor) noexcept {
    std::unique_lock lock(mutex_);
    cancelled_ = true;
    if (running_ != 0)
      consumer_.wait(lock, executor, [this] { return running_ == 0; });
    // From here on a helper reads cancelled_ and no more. What is destroyed below may itself wait
    // for a helper that comes late, so the mutex must be free.
    lock.unlock();
    try {
      progress_.report(consumed_, true);
    } catch (...) {
      // The loop has been left already, so there is nowhere to throw to.
    }
    std::vector<entry>().swap(entries_); // clear() would keep the memory
    source_.destroy();
    call_.destroy();
    progress_.destroy();
  }

 private:
  template <class Window, class E>
  friend class window_helper;

  static constexpr std::size_t none = SIZE_MAX;

  /// How long a helper keeps its thread, not counting the element that it computes last.
  static constexpr double longest_help_ns = 10'000'000;

  /// One element on its way.
  struct entry {
    std::optional<typename source::taken> input;
    std::size_t index = 0; // of the element in its source
    outcome<result> output;
    bool done = false;
  };

  /// What the consumer does next on its way to the next result.
  enum class step { pull, take_result, compute, wait, end };

  [[nodiscard]] step next_step(int pulled) const noexcept {
    // Two elements for each that is consumed, until the window is full. With one only, a fast
    // consumer would find its helpers idle.
    if (!source_ended_ && !free_.empty() && (pulled < 2 || !ready()))
      return step::pull;
    if (ready())
      return step::take_result;
    if (!waiting_.empty())
      return step::compute;
    return running_ != 0 ? step::wait : step::end;
  }

  /// The part of advance() that needs the mutex. `was_last`: the result that the consumer has just
  /// left stands for the end.
  template <class E>
  void next(E& executor, bool was_last) {
    std::unique_lock lock(mutex_);
    if (front_ != none)
      free_.push(std::exchange(front_, none));
    if (was_last)
      return;
    for (int pulled = 0;;) {
      switch (next_step(pulled)) {
      case step::pull:
        ++pulled;
        pull(lock, executor);
        break;
      case step::take_result:
        front_ = results_.pop();
        return;
      case step::compute:
        run_one(lock);
        break;
      case step::wait:
        consumer_.wait(lock, executor, [this] { return ready() || running_ == 0; });
        break;
      case step::end:
        if (ending_ != nullptr) {
          front_ = free_.pop();
          entries_[front_].output.set_not_run(std::exchange(ending_, nullptr));
        }
        return;
      }
    }
  }

  /// The next result can be consumed.
  [[nodiscard]] bool ready() const noexcept {
    return !results_.empty() && entries_[results_.front()].done;
  }

  /// Takes the next element from the source and offers it to the helpers, or learns that the source
  /// has ended.
  template <class E>
  void pull(std::unique_lock<mutex>& lock, E& executor) {
    const std::size_t number = free_.pop();
    if (!take_element(lock, entries_[number])) {
      source_ended_ = true;
      free_.push(number);
      return;
    }
    waiting_.push(number);
    if (ordered_)
      results_.push(number);
    if (helpers_ < most_helpers_)
      recruit(lock, executor);
  }

  /// Without the mutex while the source is at work. False when the source has ended, or has thrown.
  [[nodiscard]] bool take_element(std::unique_lock<mutex>& lock, entry& into) {
    into.done = false;
    into.index = pulled_++;
    lock.unlock();
    bool taken = false;
    std::exception_ptr error;
    try {
      taken = source_.take(into.input);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error != nullptr)
      end_with(into.index, std::move(error));
    return taken;
  }

  /// Queues one more helper. If there is no memory for it, or the pool does not take it, the
  /// window does not try to get another.
  template <class E>
  void recruit(std::unique_lock<mutex>& lock, E& executor) {
    ++helpers_;
    lock.unlock();
    if constexpr (requires { module_of(executor); })
      pin_this_module_unless(module_of(executor));
    bool coming = false;
    try {
      auto task =
          std::make_unique<window_helper<imap_window, E>>(this->shared_from_this(), executor);
      coming = run_later(executor, *task);
      if (coming)
        static_cast<void>(task.release()); // the queue's
    } catch (const std::bad_alloc&) {
      // no memory: the consumer, and the helpers that there are, compute
    }
    lock.lock();
    if (!coming)
      most_helpers_ = --helpers_;
  }

  // Called by helpers:

  /// Computes elements as long as any wait. True if the helper has been here for long enough and is
  /// to come again; then the consumer does not release the executor before end_handover(). False if
  /// the helper has left the window.
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

  /// After help() has returned true: the helper is queued again, or stays away.
  void end_handover(bool comes_again) noexcept {
    const std::lock_guard lock(mutex_);
    helpers_ -= comes_again ? 0 : 1;
    --running_;
    consumer_.notify();
  }

  /// A helper that was queued has been discarded.
  void lose_helper() noexcept {
    const std::lock_guard lock(mutex_);
    --helpers_;
  }

  // Called by both:

  /// Computes the element that has waited longest.
  void run_one(std::unique_lock<mutex>& lock) noexcept {
    const std::size_t number = waiting_.pop();
    entry& current = entries_[number];
    ++running_;
    lock.unlock();
    call_(*current.input, current.index, current.output);
    current.input.reset();
    lock.lock();
    current.done = true;
    if (!current.output.has_run()) // so no later element would run either
      source_ended_ = true;
    if (!ordered_ && current.output.has_run()) {
      results_.push(number);
    } else if (!ordered_) { // the end comes only after all results
      end_with(current.index, current.output.error());
      current.output.reset();
      free_.push(number);
    }
    --running_;
    consumer_.notify();
  }

  /// Notes, under the mutex, what ends the results. If there are several such exceptions, the one
  /// of the lowest index counts, as it does where the results come in order.
  void end_with(std::size_t index, std::exception_ptr ending) noexcept {
    if (ending_ != nullptr && ending_index_ < index)
      return;
    ending_ = std::move(ending);
    ending_index_ = index;
  }

  // Used by the consumer only:
  source source_;
  std::size_t pulled_ = 0;
  std::size_t consumed_ = 0;

  call call_;
  const bool ordered_;

  mutex mutex_; // guards what follows, except as noted
  consumer_signal consumer_;
  std::vector<entry> entries_; // a thread uses the entry that it computes or consumes without it
  index_queue waiting_;        // the entries whose element no thread has begun
  index_queue results_;        // in the order in which they are to be consumed
  index_queue free_;
  std::size_t front_ = none;   // the entry that the consumer has; used by the consumer only
  progress_reporter progress_; // used by the consumer only
  std::size_t most_helpers_;
  std::size_t helpers_ = 0; // queued, or at work
  std::size_t running_ = 0; // calls under way, and helpers on their way back to the queue
  bool source_ended_ = false;
  std::exception_ptr ending_;    // what follows the last result: the source's exception, say
  std::size_t ending_index_ = 0; // the index of its element, if there is one
  bool cancelled_ = false;
};

} // namespace parallel::detail
