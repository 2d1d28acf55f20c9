// One global lock that passes from thread to thread as CPython's does, to measure its effect on
// threads.
//
// After CPython 3.2 (Python/ceval_gil.c, Antoine Pitrou): a thread that waits asks for the lock
// every 5 ms; the holder sees the request between two instructions, releases the lock, and waits
// until the other thread has taken it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace bench {

class interpreter_lock {
 public:
  void acquire() {
    std::unique_lock lock(mutex_);
    while (held_) {
      if (!released_.wait_for(lock, switch_interval, [this] { return !held_; }))
        drop_request_.store(true, std::memory_order_relaxed);
    }
    held_ = true;
    ++turns_;
    drop_request_.store(false, std::memory_order_relaxed);
    taken_.notify_all();
  }

  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    released_.notify_one();
  }

  /// What the interpreter does between instructions: gives another thread its turn if it has asked.
  void check() {
    if (!drop_request_.load(std::memory_order_relaxed))
      return;
    std::unique_lock lock(mutex_);
    const unsigned long mine = turns_;
    held_ = false;
    released_.notify_one();
    taken_.wait(lock, [&] { return turns_ != mine; });
    lock.unlock();
    acquire();
  }

 private:
  static constexpr std::chrono::milliseconds switch_interval{5};

  std::mutex mutex_;
  std::condition_variable released_;
  std::condition_variable taken_;
  std::atomic<bool> drop_request_{false};
  bool held_ = false;
  unsigned long turns_ = 0;
};

} // namespace bench
