// The threads of an io_pool: how they are created on demand, sleep, are woken, and leave.
//
// The thread that fell asleep last is woken first, as its stack is the warmest; a new thread is
// created only when none sleeps. What a thread does while it is awake is not decided here.
#pragma once

#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/condition_variable.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/pool_options.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

namespace parallel::detail {

/// The clock by which the threads of an io_pool measure tasks and sleep.
class io_clock : public quick_clock {
 public:
  static void wait_for(condition_variable& woken, std::unique_lock<mutex>& lock, std::int64_t ns) {
    woken.wait_for(lock, std::chrono::nanoseconds(ns));
  }
};

/// What the threads have done so far.
struct io_thread_counts {
  std::uint64_t made = 0; // threads created
  std::size_t most = 0;   // threads that existed at once
  std::uint64_t parks = 0;
  std::uint64_t wakes = 0;
};

/// One thread. It waits on its own condition variable, so that no wake can go to the wrong thread.
struct io_thread {
  void* threads = nullptr; // the io_threads that it belongs to
  std::size_t number = 0;  // from 1
  condition_variable wakeup;
  bool is_woken = false;
  bool is_counted = false; // among the existing threads
  std::uint64_t now = 0;   // its last clock reading; used by the thread itself, as is was_slow
  bool was_slow = false;   // its last task was not quick
  native_thread thread;    // written by its creator in launch(), and then only joined
};

/// Guarded by the mutex of the pool, unless a function says that it is called without it. `Clock`
/// is io_clock, except in tests.
template <class Clock>
class io_threads {
 public:
  /// What a thread runs: work(pool, self). It calls begin() first, and finish() last, after wait()
  /// has returned false or is_ending() has returned true.
  using work_function = void (*)(void* pool, io_thread& self) noexcept;
  using lock = std::unique_lock<mutex>;

  /// Creates no thread yet.
  io_threads(const io_pool_options& options, mutex& guard, work_function work, void* pool)
      : most_(options.max_threads), idle_ns_(options.idle_timeout.ns()), name_(options.name),
        on_start_(options.on_start), on_stop_(options.on_stop), guard_(guard), work_(work),
        pool_(pool), live_([](void* self) noexcept {
          io_thread& own = *static_cast<io_thread*>(self);
          const io_threads& all = *static_cast<io_threads*>(own.threads);
          all.work_(all.pool_, own);
        }) {
    Clock::calibrate();
    trace_begin();
  }

  /// How many threads exist or are being created.
  [[nodiscard]] std::size_t total() const noexcept { return total_; }

  /// How many threads exist.
  [[nodiscard]] std::size_t existing() const noexcept { return existing_; }

  /// How many threads have been woken, or are new, and have not come to the queue yet.
  [[nodiscard]] std::size_t on_their_way() const noexcept { return waking_ + arriving_; }

  /// A thread comes to the queue as soon as any could. A new one may be slow, as it runs begin()
  /// first: it counts only while no thread sleeps that could be woken instead.
  [[nodiscard]] bool one_comes_soon() const noexcept {
    return waking_ != 0 || (arriving_ != 0 && idle_.empty());
  }

  /// A thread that slept has been woken, and has not come to the queue yet.
  [[nodiscard]] bool any_waking() const noexcept { return waking_ != 0; }

  [[nodiscard]] const io_thread_counts& counts() const noexcept { return counts_; }

  /// A thread is being created without the mutex, which may fail.
  [[nodiscard]] bool any_starting() const noexcept { return starting_ != 0; }

  /// Creates the first thread, without unlocking the mutex. Throws std::system_error or
  /// std::bad_alloc; then nothing has changed.
  void start_first() {
    io_thread& made = add_slot();
    if (!launch(made)) {
      all_[made.number - 1].reset();
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                              "parallel::io_pool: it has no thread, and none can be created");
    }
    ++total_;
    ++arriving_;
    count_existing(made);
  }

  /// Wakes the thread that fell asleep last; if none sleeps, creates one, and unlocks the mutex
  /// meanwhile. False if neither can be done.
  bool wake_or_start(lock& held) noexcept { return wake_idle() || start_new(held); }

  /// To be called on each new thread, without the mutex, as it runs the user's hook.
  void begin(const io_thread& self) noexcept {
    name_this_thread(name_.or_else("parallel-io"), self.number);
    trace_thread_name(name_.or_else("parallel-io"), self.number);
    on_start_(self.number);
  }

  /// To be called on each new thread, under the mutex: it is no longer on its way.
  void arrive(io_thread& self) noexcept {
    --arriving_;
    count_existing(self); // its creator may not have locked the mutex again yet
  }

  /// To be called on a thread: sleeps until it is woken. False if it has slept for as long as the
  /// idle time-out, so that it is to leave and no longer counts; false also after end().
  [[nodiscard]] bool wait(lock& held, io_thread& self) noexcept {
    self.is_woken = false;
    idle_.push_back(&self);
    ++counts_.parks;
    const trace_span span("park");
    const std::uint64_t since = Clock::now();
    while (!self.is_woken && !ending_) {
      constexpr std::int64_t longest = 3'600'000'000'000; // an hour: far ends would overflow
      constexpr std::int64_t shortest = 50'000;           // libc++ may not unlock to wait for 0 ns
      const double ns = Clock::ns_between(since, Clock::now());
      const std::int64_t slept = ns > 0 ? static_cast<std::int64_t>(ns) : 0;
      // No thread leaves while one is being created: that may fail, and then start_new() wakes one.
      if (slept >= idle_ns_ && starting_ == 0) {
        std::erase(idle_, &self);
        --total_;
        --existing_;
        return false;
      }
      const std::int64_t left = idle_ns_ - slept;
      Clock::wait_for(self.wakeup, held, std::clamp(left, shortest, longest));
    }
    if (self.is_woken)
      --waking_;
    return !ending_;
  }

  /// To be called on a thread that ends, without the mutex. `self` may be gone afterwards.
  void finish(io_thread& self) noexcept {
    on_stop_(self.number);
    trace_thread_end();
    // A thread that leaves before end() is joined by the next one that leaves, or by join().
    std::unique_ptr<io_thread> previous;
    {
      const std::lock_guard held(guard_);
      if (!ending_)
        previous = std::exchange(last_to_leave_, std::move(all_[self.number - 1]));
    }
    if (previous != nullptr)
      previous->thread.join();
  }

  /// Ends all threads: each one leaves the next time that it calls wait() or is_ending().
  void end() noexcept {
    ending_ = true;
    for (const std::unique_ptr<io_thread>& each : all_)
      if (each != nullptr)
        each->wakeup.notify_one();
  }

  [[nodiscard]] bool is_ending() const noexcept { return ending_; }

  /// After end(), without the mutex: waits until all threads have ended. Any number of threads may
  /// call it at once.
  void join() noexcept {
    const std::lock_guard joining(joining_);
    for (const std::unique_ptr<io_thread>& each : all_) // which does not change after end()
      if (each != nullptr)
        each->thread.join();
    if (last_to_leave_ != nullptr)
      last_to_leave_->thread.join();
  }

 private:
  /// Wakes the thread that fell asleep last; false if none sleeps.
  bool wake_idle() noexcept {
    if (idle_.empty())
      return false;
    io_thread& woken = *idle_.back();
    idle_.pop_back();
    ++waking_;
    ++counts_.wakes;
    trace_instant("wake", {"thread", woken.number});
    woken.is_woken = true;
    woken.wakeup.notify_one(); // under the mutex, so that the io_thread still exists
    return true;
  }

  /// Creates a thread, and unlocks the mutex meanwhile; wakes one instead if that fails. False if
  /// neither can be done.
  bool start_new(lock& held) noexcept {
    if (total_ >= most_ || ending_)
      return false;
    io_thread* made = nullptr;
    try {
      made = &add_slot();
    } catch (const std::exception&) {
      return false; // no memory
    }
    ++total_;
    ++arriving_;
    ++starting_;
    held.unlock();
    const bool is_made = launch(*made);
    held.lock();
    --starting_;
    if (is_made) {
      count_existing(*made);
    } else {
      --total_;
      --arriving_;
      all_[made->number - 1].reset();
    }
    // Meanwhile other threads may have relied on the new one to come, and have woken none.
    return is_made || wake_idle();
  }

  /// Counts a new thread as existing: once, by the thread itself or by its creator.
  void count_existing(io_thread& made) noexcept {
    if (std::exchange(made.is_counted, true))
      return;
    ++existing_;
    ++counts_.made;
    counts_.most = std::max(counts_.most, existing_);
  }

  /// An io_thread with the lowest number that is free. Throws std::bad_alloc.
  io_thread& add_slot() {
    std::size_t slot = 0;
    while (slot < all_.size() && all_[slot] != nullptr)
      ++slot;
    auto made = std::make_unique<io_thread>();
    made->number = slot + 1;
    idle_.reserve(all_.size() + 1); // so that wait() needs no memory
    if (slot == all_.size())
      all_.push_back(std::move(made));
    else
      all_[slot] = std::move(made);
    return *all_[slot];
  }

  [[nodiscard]] bool launch(io_thread& made) noexcept {
    made.threads = this;
    return start_.start(made.thread, live_, &made);
  }

  const std::size_t most_;
  const std::int64_t idle_ns_;
  const thread_name name_;
  const thread_hook on_start_;
  const thread_hook on_stop_;
  mutex& guard_; // the pool's
  const work_function work_;
  void* const pool_;
  const thread_start start_{};
  void (*const live_)(void* self) noexcept;
  // Guarded by guard_, as is each io_thread:
  std::vector<std::unique_ptr<io_thread>> all_; // by number; constant after end()
  std::vector<io_thread*> idle_;                // in the order in which they fell asleep
  std::unique_ptr<io_thread> last_to_leave_;    // which is not joined yet
  std::size_t total_ = 0;                       // existing ones, and those that are being created
  std::size_t existing_ = 0;
  std::size_t waking_ = 0;   // woken, and not yet come to the queue
  std::size_t arriving_ = 0; // new, and not yet come to the queue
  std::size_t starting_ = 0; // calls of start_new() that are under way
  bool ending_ = false;
  io_thread_counts counts_;
  mutex joining_;
};

} // namespace parallel::detail
