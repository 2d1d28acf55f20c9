// Who is blocked, and who stands in: the books of a pool whose tasks and elements call blocking().
//
// A stand-in is a spare, asleep; or on entry_point, that is awake, and then it works or looks
// around. No more of them work than threads are blocked. Those who block see to it that there are
// as many as are blocked; then whoever has work for them only wakes them, and need not know what
// they do. Entered from scheduler/workers.hpp, which has their threads.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

class compensation {
 public:
  static constexpr std::size_t most = 64;
  static constexpr std::size_t none = SIZE_MAX;

  /// A thread is blocked from now on, until unblock().
  void block() noexcept { blocked_.fetch_add(1); } // seq_cst: see are_too_few()
  void unblock() noexcept { blocked_.fetch_sub(1, memory_order_relaxed); } // relaxed: a count

  [[nodiscard]] bool any_blocked() const noexcept {
    return blocked_.load() != 0; // seq_cst: a publisher's look, see idle_set
  }

  /// Fewer are on entry_point than threads are blocked.
  ///
  /// seq_cst, all: who blocks is counted before it looks here, who goes off entry_point is counted
  /// out before it looks here. So one of the two sees that there are too few, and calls one if
  /// there is work. Who publishes work does so before it looks: so it calls one, or somebody on
  /// entry_point sees the work, at the latest after it has gone off.
  [[nodiscard]] bool are_too_few() const noexcept { return active_.load() < blocked_.load(); }

  /// Fewer have been made than threads are blocked.
  [[nodiscard]] bool lack_one() const noexcept {
    const std::size_t made = made_.load(memory_order_relaxed); // relaxed, both: a count
    return made < most && made < blocked_.load(memory_order_relaxed);
  }

  /// Puts a spare on entry_point if there are too few, and returns its number; else `none`. Guarded
  /// by the caller, as are the next four.
  [[nodiscard, gnu::cold]] std::size_t wake_spare() noexcept {
    if (spares_ == 0 || !are_too_few())
      return none;
    active_.fetch_add(1);
    return spare_[--spares_];
  }

  /// Puts a new one on entry_point if one is lacking, and returns its number, below `most`; else
  /// `none`.
  [[nodiscard, gnu::cold]] std::size_t make_one() noexcept {
    if (is_closed_ || !lack_one())
      return none;
    active_.fetch_add(1);
    const std::size_t made = made_.load(memory_order_relaxed); // relaxed, all: a count
    made_.store(made + 1, memory_order_relaxed);
    return made;
  }

  /// There was no thread to be had for the one that was just made.
  [[gnu::cold]] void unmake_one() noexcept {
    made_.store(made_.load(memory_order_relaxed) - 1, memory_order_relaxed);
    active_.fetch_sub(1);
  }

  /// One that has been called, or is on entry_point and does not work, is a spare from now on.
  /// False when there are to be none any more.
  [[gnu::cold]] bool deactivate(std::size_t number) noexcept {
    active_.fetch_sub(1);
    if (!is_closed_)
      spare_[spares_++] = number;
    return !is_closed_;
  }

  /// From now on there are no spares: sends those home that there are.
  template <class SendHome>
  [[gnu::cold]] void close(const SendHome& send_home) noexcept {
    is_closed_ = true;
    while (spares_ != 0)
      send_home(spare_[--spares_]);
  }

  /// On entry_point: it works from now on; false if as many work as are blocked.
  [[nodiscard, gnu::cold]] bool begin_work() noexcept {
    std::size_t working = working_.load(memory_order_relaxed); // relaxed, all: a count
    while (working < blocked_.load(memory_order_relaxed))
      if (working_.compare_exchange_weak(working, working + 1, memory_order_relaxed))
        return true;
    return false;
  }

  /// Working: goes on; false if it is one too many, and works no more then.
  [[nodiscard]] bool go_on() noexcept {
    std::size_t working = working_.load(memory_order_relaxed); // relaxed, all: a count
    while (working > blocked_.load(memory_order_relaxed))
      if (working_.compare_exchange_weak(working, working - 1, memory_order_relaxed))
        return false;
    return true;
  }

  /// Working: works no more, as there is nothing to do.
  void end_work() noexcept { working_.fetch_sub(1, memory_order_relaxed); } // relaxed: a count

 private:
  alignas(64) atomic<std::size_t> blocked_{0};
  atomic<std::size_t> active_{0};
  atomic<std::size_t> working_{0};
  std::size_t spare_[most] = {}; // numbers
  std::size_t spares_ = 0;
  atomic<std::size_t> made_{0};
  bool is_closed_ = false;
};

} // namespace parallel::detail
