// The threads of an io_pool: how they are made when there is need, sleep, are called, and leave.
//
// What they do while they are awake is decided in io/scheduler.hpp, from which this is entered and
// whose mutex guards it all.
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

/// The time for the threads of an io_pool.
class io_clock : public quick_clock {
 public:
  static void wait_for(condition_variable& woken, std::unique_lock<mutex>& lock, std::int64_t ns) {
    woken.wait_for(lock, std::chrono::nanoseconds(ns));
  }
};

/// What the threads have done so far.
struct io_thread_counts {
  std::uint64_t made = 0;
  std::size_t most = 0; // at once
  std::uint64_t parks = 0;
  std::uint64_t wakes = 0;
};

/// One of the threads. It waits on its own condition variable, so that no wake can go to the wrong
/// one.
struct io_thread {
  void* home = nullptr;   // its io_threads
  std::size_t number = 0; // from 1
  condition_variable woken;
  bool called = false;
  bool is_counted = false; // among those that there are
  std::uint64_t now = 0;   // when it has looked at the clock last; its own, as is the next
  bool was_slow = false;   // its last task
  native_thread thread;    // its creator's, until that one no longer counts it as starting
};

/// `Clock` is another one in tests only.
template <class Clock>
class io_threads {
 public:
  /// What a thread does: work(pool, self), which calls begin(), returns when wait() or is_ending()
  /// says so, and calls finish() last.
  using work_function = void (*)(void* pool, io_thread& self) noexcept;
  using lock = std::unique_lock<mutex>;

  /// Starts none yet.
  io_threads(const io_pool_options& options, mutex& guard, work_function work, void* pool)
      : most_(options.max_threads), idle_ns_(options.idle_timeout.ns()), name_(options.name),
        on_start_(options.on_start), on_stop_(options.on_stop), guard_(guard), work_(work),
        pool_(pool), live_([](void* self) noexcept {
          io_thread& own = *static_cast<io_thread*>(self);
          const io_threads& all = *static_cast<io_threads*>(own.home);
          all.work_(all.pool_, own);
        }) {
    Clock::calibrate();
    trace_begin();
  }

  /// Those that there are, or are being made.
  [[nodiscard]] std::size_t total() const noexcept { return total_; }

  /// Those that there are.
  [[nodiscard]] std::size_t existing() const noexcept { return existing_; }

  /// Those that have been called, or made, and have not arrived.
  [[nodiscard]] std::size_t coming() const noexcept { return called_ + made_; }

  /// Somebody comes soon, or nobody could come sooner: new ones may take their time to begin().
  [[nodiscard]] bool comes_one() const noexcept {
    return called_ != 0 || (made_ != 0 && idle_.empty());
  }

  /// One that slept has been called, and has not arrived.
  [[nodiscard]] bool is_called() const noexcept { return called_ != 0; }

  [[nodiscard]] const io_thread_counts& counts() const noexcept { return counts_; }

  [[nodiscard]] bool any_starting() const noexcept { return starting_ != 0; }

  /// Makes the first thread, where there is none, without letting go of the mutex: if it throws,
  /// nothing has happened.
  void start_first() {
    io_thread& made = make_room();
    if (!start(made)) {
      all_[made.number - 1].reset();
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                              "parallel::io_pool: it has no thread, and the system none to give");
    }
    ++total_;
    ++made_;
    count(made);
  }

  /// Gets one more thread to come: the one that fell asleep last, whose stack is the warmest, or
  /// else a new one, without holding the mutex while that is made. False if none is to be had.
  bool call_one(lock& held) noexcept { return call_idle() || start_one(held); }

  /// Thread: without the mutex, as what follows runs the users' code.
  void begin(const io_thread& self) noexcept {
    name_this_thread(name_.or_else("parallel-io"), self.number);
    trace_thread_name(name_.or_else("parallel-io"), self.number);
    on_start_(self.number);
  }

  /// Thread: a new one has come, and is not counted as coming any more.
  void arrive(io_thread& self) noexcept {
    --made_;
    count(self); // its creator may not be back yet
  }

  /// Thread: sleeps until it is called; false when it has not been for so long that it is to leave,
  /// and is not counted any more, or when all are to end.
  [[nodiscard]] bool wait(lock& held, io_thread& self) noexcept {
    self.called = false;
    idle_.push_back(&self);
    ++counts_.parks;
    const trace_span span("park");
    const std::uint64_t since = Clock::now();
    while (!self.called && !ending_) {
      constexpr std::int64_t longest = 3'600'000'000'000; // an hour: far ends would overflow
      constexpr std::int64_t shortest = 50'000; // to wait for no time may keep the mutex (libc++)
      const double ns = Clock::ns_between(since, Clock::now());
      const std::int64_t slept = ns > 0 ? static_cast<std::int64_t>(ns) : 0;
      // While another one is being made, which may fail, all stay.
      if (slept >= idle_ns_ && starting_ == 0) {
        std::erase(idle_, &self);
        --total_;
        --existing_;
        return false;
      }
      const std::int64_t left = idle_ns_ - slept;
      Clock::wait_for(self.woken, held, std::clamp(left, shortest, longest));
    }
    if (self.called)
      --called_;
    return !ending_;
  }

  /// Thread: without the mutex. `self` may be gone afterwards.
  void finish(io_thread& self) noexcept {
    on_stop_(self.number);
    trace_thread_end();
    // Who leaves while the pool lives is joined by the next one that does, or by join().
    std::unique_ptr<io_thread> before;
    {
      const std::lock_guard held(guard_);
      if (!ending_)
        before = std::exchange(left_, std::move(all_[self.number - 1]));
    }
    if (before != nullptr)
      before->thread.join();
  }

  /// Lets all of them end, as soon as they wait or look.
  void end() noexcept {
    ending_ = true;
    for (const std::unique_ptr<io_thread>& each : all_)
      if (each != nullptr)
        each->woken.notify_one();
  }

  [[nodiscard]] bool is_ending() const noexcept { return ending_; }

  /// Waits until all have ended, after end(), without the mutex. Any number of threads may call it.
  void join() noexcept {
    const std::lock_guard joining(joining_);
    for (const std::unique_ptr<io_thread>& each : all_) // which nobody changes any more
      if (each != nullptr)
        each->thread.join();
    if (left_ != nullptr)
      left_->thread.join();
  }

 private:
  bool call_idle() noexcept {
    if (idle_.empty())
      return false;
    io_thread& called = *idle_.back();
    idle_.pop_back();
    ++called_;
    ++counts_.wakes;
    trace_instant("wake", {"thread", called.number});
    called.called = true;
    called.woken.notify_one(); // under the mutex, so that it is still there
    return true;
  }

  bool start_one(lock& held) noexcept {
    if (total_ >= most_ || ending_)
      return false;
    io_thread* made = nullptr;
    try {
      made = &make_room();
    } catch (const std::exception&) {
      return false; // no memory
    }
    ++total_;
    ++made_;
    ++starting_;
    held.unlock();
    const bool is_made = start(*made); // if not, those that there are run what is queued
    held.lock();
    --starting_;
    if (is_made) {
      count(*made);
    } else {
      --total_;
      --made_;
      all_[made->number - 1].reset();
    }
    return is_made || call_idle(); // others have relied on it that one comes
  }

  /// A new one is there, as the first of itself and its creator finds.
  void count(io_thread& made) noexcept {
    if (std::exchange(made.is_counted, true))
      return;
    ++existing_;
    ++counts_.made;
    counts_.most = std::max(counts_.most, existing_);
  }

  /// A place with the lowest number that is free.
  io_thread& make_room() {
    std::size_t place = 0;
    while (place < all_.size() && all_[place] != nullptr)
      ++place;
    auto made = std::make_unique<io_thread>();
    made->number = place + 1;
    idle_.reserve(all_.size() + 1); // so that to fall asleep cannot fail
    if (place == all_.size())
      all_.push_back(std::move(made));
    else
      all_[place] = std::move(made);
    return *all_[place];
  }

  [[nodiscard]] bool start(io_thread& made) noexcept {
    made.home = this;
    return start_.start(made.thread, live_, &made);
  }

  const std::size_t most_;
  const std::int64_t idle_ns_;
  const thread_name name_;
  const thread_hook on_start_;
  const thread_hook on_stop_;
  mutex& guard_; // guards what follows, and the threads
  const work_function work_;
  void* const pool_;
  const thread_start start_{};
  void (*const live_)(void* self) noexcept;
  std::vector<std::unique_ptr<io_thread>> all_; // by number; constant once they are to end
  std::vector<io_thread*> idle_;                // in the order in which they fell asleep
  std::unique_ptr<io_thread> left_;             // the last one that has left
  std::size_t total_ = 0;
  std::size_t existing_ = 0;
  std::size_t called_ = 0; // from idle_, and have not arrived
  std::size_t made_ = 0;   // likewise, new ones
  std::size_t starting_ = 0;
  bool ending_ = false;
  io_thread_counts counts_;
  mutex joining_;
};

} // namespace parallel::detail
