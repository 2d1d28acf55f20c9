// Simulates a loop on a machine that is not available: the library's own parts with a virtual
// clock.
//
// The slots, the sizes of chunks and the order in which threads steal are the library's code
// (loop/range_slot.hpp, loop/chunking.hpp). What loop/loop.hpp and scheduler/scheduler.hpp do
// around them is rewritten here as events. The machine adds the price of a wake, and of moving a
// cache line between cores; where several cores want the same line, they get it one after another.
#pragma once

#include <parallel/detail/loop/chunking.hpp>
#include <parallel/detail/loop/participation.hpp>
#include <parallel/detail/loop/range_slot.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <numeric>
#include <queue>
#include <utility>
#include <vector>

namespace bench {

/// What the machine charges, in nanoseconds.
struct machine {
  double transfer = 100;     ///< a cache line from another core, for writing
  double look = 20;          ///< a line from another core, for reading, when many are on their way
  double own = 5;            ///< a read-modify-write of a line that is here
  double clock = 10;         ///< a reading of the clock
  double wake_call = 5'000;  ///< for the waker
  double wake_time = 50'000; ///< from the waker's call until the woken thread runs
  int wakes_each = 6;        ///< how many threads the caller, and each woken thread, wakes
};

/// One call of parallel::map on a given number of threads.
class simulation {
 public:
  /// `costs` holds the time of each element; their mean is what the call site knows. If the workers
  /// are `asleep`, the caller wakes some, and each worker that is awake then wakes more.
  simulation(const machine& prices, std::size_t threads, const std::vector<double>& costs,
             bool asleep)
      : prices_(prices), asleep_(asleep), until_(costs.size() + 1),
        state_(participants(prices, threads, costs, asleep)) {
    for (std::size_t i = 0; i < costs.size(); ++i)
      until_[i + 1] = until_[i] + costs[i];
  }

  /// From the call to its return, in nanoseconds.
  double run() {
    if (state_.size() == 1)
      return until_.back();
    deal();
    const double dealt = static_cast<double>(state_.size()) * prices_.own;
    if (!asleep_)
      for (std::size_t i = 1; i < state_.size(); ++i)
        plan(dealt + prices_.transfer, i, &simulation::join);
    plan(asleep_ ? wake_some(dealt) : dealt, 0, &simulation::begin);
    while (!events_.empty()) {
      const event due = events_.top();
      events_.pop();
      virtual_clock::time = due.time;
      (this->*due.next)(due.thread);
    }
    return end_;
  }

  [[nodiscard]] std::size_t steals() const { return steals_; }

 private:
  struct virtual_clock {
    static inline double time = 0;
    static std::uint64_t now() { return static_cast<std::uint64_t>(time); }
    static double ns_between(std::uint64_t from, std::uint64_t to) {
      return static_cast<double>(to - from);
    }
  };

  /// A cache line that many threads write, one after another.
  struct line {
    double free_at = 0;
    std::size_t owner = std::numeric_limits<std::size_t>::max();
  };

  struct participant {
    parallel::detail::range_slot slot;
    line slot_line;
    parallel::detail::side end = parallel::detail::side::front; // of its slot, for its next chunk
    parallel::detail::basic_chunk_sizer<virtual_clock> sizer{nullptr};
    parallel::detail::grain_range chunk;
    int attempts = 0; // since the last steal
  };

  using action = void (simulation::*)(std::size_t thread);
  struct event {
    double time;
    std::size_t order; // of events at the same time: that in which they were planned
    std::size_t thread;
    action next;
    bool operator>(const event& other) const {
      return std::pair(time, order) > std::pair(other.time, other.order);
    }
  };

  static std::size_t participants(const machine& prices, std::size_t threads,
                                  const std::vector<double>& costs, bool asleep) {
    const double total = std::accumulate(costs.begin(), costs.end(), 0.0);
    const std::size_t possible = std::min(threads, costs.size());
    if (possible < 2)
      return 1;
    return asleep ? parallel::detail::useful_threads(total, possible, 0, prices.wake_time)
                  : parallel::detail::useful_threads(total, possible, threads - 1, 0);
  }

  void plan(double time, std::size_t thread, action next) {
    events_.push({time, planned_++, thread, next});
  }

  /// The time at which `thread`, which asks for the line at `time`, has written it.
  double write(line& wanted, std::size_t thread, double time) const {
    if (wanted.owner == thread)
      return std::max(time, wanted.free_at) + prices_.own;
    wanted.owner = thread;
    wanted.free_at = std::max(time, wanted.free_at) + prices_.transfer;
    return wanted.free_at;
  }

  [[nodiscard]] parallel::detail::side first_end(std::size_t thread) const {
    return thread != 0 && thread + 1 == state_.size() ? parallel::detail::side::back
                                                      : parallel::detail::side::front;
  }

  void deal() {
    const std::size_t n = until_.size() - 1;
    model_.learn(until_.back(), n);
    std::uint32_t begin = 0;
    for (std::size_t i = 0; i < state_.size(); ++i) {
      const auto end =
          static_cast<std::uint32_t>((n * (i + 1) + state_.size() - 1) / state_.size());
      state_[i].slot.put({begin, end});
      state_[i].slot_line.owner = 0;
      state_[i].end = first_end(i);
      state_[i].sizer = parallel::detail::basic_chunk_sizer<virtual_clock>(&model_);
      begin = end;
    }
  }

  /// One thread wakes others, beginning at `time`; returns the time at which it has done so.
  double wake_some(double time) {
    for (int i = 0; i < prices_.wakes_each && woken_ + 1 < state_.size(); ++i) {
      time += prices_.wake_call;
      plan(time + prices_.wake_time, ++woken_, &simulation::join);
    }
    return time;
  }

  void join(std::size_t thread) {
    if (finished_) // the loop was withdrawn: a thread that comes now does not count
      return;
    const double time = write(state_line_, thread, virtual_clock::time);
    plan(asleep_ ? wake_some(time) : time, thread, &simulation::begin);
  }

  void begin(std::size_t thread) {
    state_[thread].sizer.start();
    take_chunk(thread);
  }

  void take_chunk(std::size_t thread) {
    participant& self = state_[thread];
    self.chunk = self.slot.take(self.end, self.sizer.chunk_size(), self.sizer.min_chunk_size());
    if (self.chunk.empty()) {
      find_work(thread);
      return;
    }
    const double work = until_[self.chunk.end] - until_[self.chunk.begin];
    plan(write(self.slot_line, thread, virtual_clock::time) + work + prices_.clock, thread,
         &simulation::finish_chunk);
  }

  void finish_chunk(std::size_t thread) {
    participant& self = state_[thread];
    self.sizer.chunk_done(self.chunk.size());
    if (self.end == parallel::detail::side::back && !self.sizer.is_expensive()) {
      self.end = parallel::detail::side::front;
      self.sizer.change_end();
    }
    take_chunk(thread);
  }

  /// As in loop::steal_into.
  void find_work(std::size_t thread) {
    participant& self = state_[thread];
    double time = virtual_clock::time;
    std::size_t richest = thread;
    std::uint32_t most = 0;
    for (std::size_t i = 1; i < state_.size(); ++i) {
      const std::size_t other = (thread + i) % state_.size();
      const std::uint32_t left = state_[other].slot.size();
      time += prices_.look;
      if (left > most) {
        richest = other;
        most = left;
      }
    }
    if (most >= self.sizer.min_steal_size(state_.size()) ||
        (most != 0 && self.attempts >= parallel::detail::tuning::deferring_scans)) {
      self.attempts = 0;
      self.chunk = state_[richest].slot.steal();
      ++under_way_;
      ++steals_;
      time = write(steals_line_, thread, time);
      time = write(state_[richest].slot_line, thread, time);
      plan(write(steals_line_, thread, time), thread, &simulation::stolen);
      return;
    }
    ++self.attempts;
    plan(time, thread, most != 0 || under_way_ != 0 ? &simulation::find_work : &simulation::leave);
  }

  void stolen(std::size_t thread) {
    participant& self = state_[thread];
    --under_way_;
    self.slot.put(self.chunk);
    self.sizer.restart_after_steal();
    self.end = self.sizer.should_probe_both_ends(self.chunk.size()) ? parallel::detail::side::back
                                                                    : parallel::detail::side::front;
    take_chunk(thread);
  }

  void leave(std::size_t thread) {
    finished_ = true;
    // Each thread writes to a cache line of its own, so none waits for another.
    end_ = std::max(end_, virtual_clock::time + (thread == 0 ? 0 : prices_.transfer));
  }

  machine prices_;
  bool asleep_;
  std::vector<double> until_; // for each element, the time of all elements before it
  std::deque<participant> state_;
  parallel::detail::cost_model model_;
  line state_line_;
  line steals_line_;
  std::priority_queue<event, std::vector<event>, std::greater<>> events_;
  std::size_t planned_ = 0;
  std::size_t woken_ = 0;
  std::size_t under_way_ = 0;
  std::size_t steals_ = 0;
  bool finished_ = false;
  double end_ = 0;
};

} // namespace bench
