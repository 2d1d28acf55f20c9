// Work that other threads may join, and the list in which a thread offers it.
//
// A job is listed for as long as another helper could find something to do in it. Joining,
// leaving, listing and unlisting all happen under the list's mutex, a few instructions each: once a
// map call, not once an element. Entered from scheduler.hpp; loop.hpp derives the one kind of job.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace parallel::detail {

class job_list;

class job {
 public:
  job() = default;
  job(const job&) = delete;
  job& operator=(const job&) = delete;
  virtual ~job() = default;

  /// Runs one helper's share; returns when nothing is left that a helper could start.
  virtual void help(std::uint32_t seat) noexcept = 0;

  /// Helpers that have ever joined; they hold the seats 1 … joined(), the caller holds seat 0.
  [[nodiscard]] std::uint32_t joined() const noexcept {
    return joined_.load(std::memory_order_relaxed); // relaxed: see loop::steal_for
  }

 private:
  friend class job_list;

  job* next_ = nullptr;                   // guarded by the list's mutex, as are the next two
  std::uint32_t seats_ = 0;               // helpers that may join in all
  bool listed_ = false;                   //
  std::atomic<std::uint32_t> joined_{0};  // written under the list's mutex
  std::atomic<std::uint32_t> helpers_{0}; // joined and not yet left; likewise
};

/// A helper's place in a job.
struct membership {
  job* work = nullptr;
  job_list* list = nullptr;
  std::uint32_t seat = 0;
  bool more = false; ///< another helper could join

  explicit operator bool() const noexcept { return work != nullptr; }
};

/// The jobs that a worker, or some threads from outside, have open, oldest first: a thief gets the
/// outermost, which has most to do. It also keeps spent jobs for the next call, so that a call
/// allocates nothing; and as it belongs to the pool, whatever a leaving helper touches last
/// outlives the job's owner.
class job_list {
 public:
  job_list() = default;
  job_list(const job_list&) = delete;
  job_list& operator=(const job_list&) = delete;
  ~job_list() {
    while (spare_ != nullptr)
      delete std::exchange(spare_, spare_->next_);
  }

  /// A hint, without the lock: is there a job to join?
  [[nodiscard]] bool any() const noexcept {
    return listed_.load() != 0; // seq_cst: the sleeper's last look, see idle_set
  }

  /// Offers `work` to at most `seats` helpers.
  void open(job& work, std::uint32_t seats) noexcept {
    const std::lock_guard lock(mutex_);
    work.seats_ = seats;
    work.joined_.store(0, std::memory_order_relaxed); // relaxed: published by the mutex
    work.listed_ = true;
    work.next_ = nullptr;
    job** end = &first_;
    while (*end != nullptr)
      end = &(*end)->next_;
    *end = &work;
    listed_.fetch_add(1); // seq_cst: the publisher's store, see idle_set
  }

  /// Takes a seat in the oldest job listed, if there is one.
  [[nodiscard]] membership join() noexcept {
    const std::lock_guard lock(mutex_);
    if (first_ == nullptr)
      return {};
    job& work = *first_;
    const std::uint32_t seat = work.joined_.load(std::memory_order_relaxed) + 1;
    work.joined_.store(seat, std::memory_order_relaxed);
    work.helpers_.fetch_add(1, std::memory_order_relaxed); // relaxed: see close()
    if (seat == work.seats_)
      unlist(work);
    return {&work, this, seat, work.listed_};
  }

  /// Ends a membership. The job may be gone when this returns: its owner goes on as soon as the
  /// last helper is out.
  void leave(job& work) noexcept {
    bool last = false;
    {
      const std::lock_guard lock(mutex_);
      unlist(work); // a helper leaves when nothing is left to start
      // release: pairs with the acquire in close(): the helper's results become the owner's.
      last = work.helpers_.fetch_sub(1, std::memory_order_release) == 1;
      if (last)
        departures_.fetch_add(1, std::memory_order_release); // pairs with the acquire in close()
    }
    if (last)
      departures_.notify_all();
  }

  /// Withdraws `work` and waits until every helper is out of it: first in `spin`, called until it
  /// says that it has waited long enough, then asleep.
  template <class Spin>
  void close(job& work, Spin spin) noexcept {
    {
      // Nobody can join after this; whoever has joined did so under the mutex, and is counted.
      const std::lock_guard lock(mutex_);
      unlist(work);
    }
    // acquire: pairs with the release in leave().
    const auto helpers = [&] { return work.helpers_.load(std::memory_order_acquire); };
    while (helpers() != 0 && spin())
      ;
    for (;;) {
      // Read before the helpers are counted: a helper that leaves in between changes it, and the
      // wait returns at once.
      const std::uint32_t seen = departures_.load(std::memory_order_acquire);
      if (helpers() == 0)
        return;
      departures_.wait(seen, std::memory_order_acquire);
    }
  }

  /// A spent job, or null.
  [[nodiscard]] std::unique_ptr<job> reuse() noexcept {
    const std::lock_guard lock(mutex_);
    if (spare_ == nullptr)
      return nullptr;
    return std::unique_ptr<job>(std::exchange(spare_, spare_->next_));
  }

  void keep(std::unique_ptr<job> spent) noexcept {
    const std::lock_guard lock(mutex_);
    spent->next_ = std::exchange(spare_, spent.get());
    spent.release(); // the list owns it now
  }

 private:
  void unlist(job& work) noexcept {
    if (!std::exchange(work.listed_, false))
      return;
    job** link = &first_;
    while (*link != &work)
      link = &(*link)->next_;
    *link = work.next_;
    listed_.fetch_sub(1); // seq_cst like every access to it
  }

  std::mutex mutex_;
  job* first_ = nullptr;
  job* spare_ = nullptr;
  std::atomic<std::uint32_t> listed_{0};
  std::atomic<std::uint32_t> departures_{0};
};

} // namespace parallel::detail
