// A loop on a machine that is not at hand: the library's own parts, moved by a clock of their own.
//
// The slots, the claims' sizes and the order of thieves are the production code
// (loop/range_slot.hpp, loop/chunking.hpp; the walk is that of loop/loop.hpp and
// scheduler/scheduler.hpp, retold as events). What a machine adds is the price of a cache line on
// its way between cores, one after another where many want the same one, and of a wake. Used by
// scaling.cpp.
#pragma once

#include <parallel/detail/loop/chunking.hpp>
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

/// Prices in nanoseconds.
struct machine {
  double transfer = 100;     ///< a cache line from another core, for writing
  double look = 20;          ///< a line from another core, for reading, when many are on their way
  double own = 5;            ///< a read-modify-write of a line that is here
  double clock = 10;         ///< a look at the clock
  double wake_call = 5'000;  ///< for the waker
  double wake_time = 50'000; ///< from the waker's call until the woken thread runs
  int wakes_each = 6;        ///< as the scheduler's: how many wakes by the caller, and by each
};

/// One call of parallel::map on so many threads.
class simulation {
 public:
  /// `costs` holds the time of each element; their mean is what the call site knows. If the workers
  /// are `asleep`, the caller wakes some, and each that comes wakes more.
  simulation(const machine& prices, std::size_t threads, const std::vector<double>& costs,
             bool asleep)
      : prices_(prices), asleep_(asleep), until_(costs.size() + 1),
        state_(invited(prices, threads, costs, asleep)) {
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
      (this->*due.next)(due.who);
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

  /// A cache line that is written by many, one after another.
  struct line {
    double free_at = 0;
    std::size_t owner = std::numeric_limits<std::size_t>::max();
  };

  struct participant {
    parallel::detail::range_slot slot;
    line slot_line;
    parallel::detail::side end = parallel::detail::side::front; // that its next claim is from
    parallel::detail::basic_chunk_sizer<virtual_clock> pace{nullptr};
    parallel::detail::grain_range in_hand;
    int looks = 0; // since the last steal
  };

  using action = void (simulation::*)(std::size_t who);
  struct event {
    double time;
    std::size_t order; // of events at the same time: as planned
    std::size_t who;
    action next;
    bool operator>(const event& other) const {
      return std::pair(time, order) > std::pair(other.time, other.order);
    }
  };

  static std::size_t invited(const machine& prices, std::size_t threads,
                             const std::vector<double>& costs, bool asleep) {
    const double total = std::accumulate(costs.begin(), costs.end(), 0.0);
    const std::size_t possible = std::min(threads, costs.size());
    if (possible < 2)
      return 1;
    return asleep ? parallel::detail::useful_threads(total, possible, 0, prices.wake_time)
                  : parallel::detail::useful_threads(total, possible, threads - 1, 0);
  }

  void plan(double time, std::size_t who, action next) {
    events_.push({time, planned_++, who, next});
  }

  /// When `who`, who asks for the line at `time`, has written it.
  double write(line& wanted, std::size_t who, double time) const {
    if (wanted.owner == who)
      return std::max(time, wanted.free_at) + prices_.own;
    wanted.owner = who;
    wanted.free_at = std::max(time, wanted.free_at) + prices_.transfer;
    return wanted.free_at;
  }

  [[nodiscard]] parallel::detail::side first_end(std::size_t who) const {
    return who != 0 && who + 1 == state_.size() ? parallel::detail::side::back
                                                : parallel::detail::side::front;
  }

  void deal() {
    const std::size_t n = until_.size() - 1;
    site_.learn(until_.back(), n);
    std::uint32_t begin = 0;
    for (std::size_t i = 0; i < state_.size(); ++i) {
      const auto end =
          static_cast<std::uint32_t>((n * (i + 1) + state_.size() - 1) / state_.size());
      state_[i].slot.put({begin, end});
      state_[i].slot_line.owner = 0;
      state_[i].end = first_end(i);
      state_[i].pace = parallel::detail::basic_chunk_sizer<virtual_clock>(&site_);
      begin = end;
    }
  }

  /// From `time` on, by one thread; returns when that is done.
  double wake_some(double time) {
    for (int i = 0; i < prices_.wakes_each && woken_ + 1 < state_.size(); ++i) {
      time += prices_.wake_call;
      plan(time + prices_.wake_time, ++woken_, &simulation::join);
    }
    return time;
  }

  void join(std::size_t who) {
    if (finished_) // withdrawn: whoever would come now is not waited for
      return;
    const double time = write(crew_line_, who, virtual_clock::time);
    plan(asleep_ ? wake_some(time) : time, who, &simulation::begin);
  }

  void begin(std::size_t who) {
    state_[who].pace.start();
    claim(who);
  }

  void claim(std::size_t who) {
    participant& self = state_[who];
    self.in_hand = self.slot.take(self.end, self.pace.wanted(), self.pace.least());
    if (self.in_hand.empty()) {
      look_for_loot(who);
      return;
    }
    const double work = until_[self.in_hand.end] - until_[self.in_hand.begin];
    plan(write(self.slot_line, who, virtual_clock::time) + work + prices_.clock, who,
         &simulation::claimed);
  }

  void claimed(std::size_t who) {
    participant& self = state_[who];
    self.pace.claimed(self.in_hand.size());
    if (self.end == parallel::detail::side::back && !self.pace.is_expensive()) {
      self.end = parallel::detail::side::front;
      self.pace.turn();
    }
    claim(who);
  }

  /// As in loop::steal_for.
  void look_for_loot(std::size_t who) {
    participant& self = state_[who];
    double time = virtual_clock::time;
    std::size_t richest = who;
    std::uint32_t most = 0;
    for (std::size_t i = 1; i < state_.size(); ++i) {
      const std::size_t other = (who + i) % state_.size();
      const std::uint32_t left = state_[other].slot.size();
      time += prices_.look;
      if (left > most) {
        richest = other;
        most = left;
      }
    }
    if (most >= self.pace.worth_stealing(state_.size()) ||
        (most != 0 && self.looks >= parallel::detail::polite_looks)) {
      self.looks = 0;
      self.in_hand = state_[richest].slot.steal();
      ++under_way_;
      ++steals_;
      time = write(steals_line_, who, time);
      time = write(state_[richest].slot_line, who, time);
      plan(write(steals_line_, who, time), who, &simulation::stolen);
      return;
    }
    ++self.looks;
    plan(time, who, most != 0 || under_way_ != 0 ? &simulation::look_for_loot : &simulation::leave);
  }

  void stolen(std::size_t who) {
    participant& self = state_[who];
    --under_way_;
    self.slot.put(self.in_hand);
    self.pace.restart();
    self.end = self.pace.worth_trying(self.in_hand.size()) ? parallel::detail::side::back
                                                           : parallel::detail::side::front;
    claim(who);
  }

  void leave(std::size_t who) {
    finished_ = true;
    // In a place of its own, so nobody waits for another.
    end_ = std::max(end_, virtual_clock::time + (who == 0 ? 0 : prices_.transfer));
  }

  machine prices_;
  bool asleep_;
  std::vector<double> until_; // the time of all elements before each
  std::deque<participant> state_;
  parallel::detail::cost_model site_;
  line crew_line_;
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
