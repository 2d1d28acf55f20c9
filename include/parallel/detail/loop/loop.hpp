// One data-parallel loop, as a job that several threads run together.
//
// Its grains are dealt out evenly to range_slots. Each participant takes chunks from its own slot
// until that is empty, then steals half of the fullest one. If elements turn out expensive, more
// threads are offered a slot. run_loop.hpp decides which calls become a loop and how many threads
// take part. What runs once a chunk or more rarely is compiled for small code, here and in
// scheduler/: see PARALLEL_DETAIL_COMPACT in platform/config.hpp.
#pragma once

#include <parallel/detail/lite/fixed_array.hpp>
#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/loop/chunking.hpp>
#include <parallel/detail/loop/cost_model.hpp>
#include <parallel/detail/loop/participation.hpp>
#include <parallel/detail/loop/range_slot.hpp>
#include <parallel/detail/loop/tuning.hpp>
#include <parallel/detail/observe/counter.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/scheduler/job.hpp>
#include <parallel/detail/scheduler/scheduler.hpp>
#include <parallel/detail/task/first_error.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>

namespace parallel::detail {

/// How many grains of `grain` elements hold `elements` (at least one) of them.
constexpr std::size_t grains_in(std::size_t elements, std::size_t grain) noexcept {
  return (elements - 1) / grain + 1;
}

class loop final : public job {
 public:
  /// For up to `participants` threads, the caller included.
  explicit loop(std::size_t participants) : job(participants), slots_(participants) {}

  /// Makes the loop ready to run [first, n) in grains of `grain` elements, dealt out evenly to
  /// `participants` slots. The shares of threads that do not come are stolen by those that do.
  ///
  /// Without a `model` the user has chosen the grain, and nothing is measured. With one, `pool` is
  /// asked for more threads when the elements cost more than the model expects. (The slots that are
  /// added then are empty, as every loop leaves them.)
  void prepare(const loop_body& body, std::size_t first, std::size_t n, std::size_t grain,
               cost_model* model, std::uint32_t participants, scheduler* pool) noexcept {
    body_ = body;
    first_ = first;
    end_ = n;
    grain_ = grain;
    model_ = model;
    expected_ns_ = model != nullptr ? model->shared_estimate() * elements(1) : 0;
    pool_ = pool;
    dealt_ = participants;
    slot_count_.store(participants, memory_order_relaxed); // relaxed: published with the job
    const std::uint64_t grains = grains_in(n - first, grain);
    std::uint32_t begin = 0;
    for (std::uint32_t slot = 0; slot < participants; ++slot) {
      // Rounded up: the caller starts first, so it gets the larger share.
      const auto end =
          static_cast<std::uint32_t>((grains * (slot + 1) + participants - 1) / participants);
      slots_[slot].put({begin, end});
      begin = end;
    }
  }

  /// The caller's part: everything that no helper takes.
  PARALLEL_DETAIL_COMPACT void participate() noexcept {
    basic_chunk_sizer<quick_clock> sizer(model_);
    run(0, sizer, owner_counts());
    if (model_ != nullptr)
      model_->learn_shared(sizer.total_ns(), sizer.total_grains() * grain_);
  }

  PARALLEL_DETAIL_COMPACT void help(std::uint32_t slot, loop_counts& counts) noexcept override {
    basic_chunk_sizer<quick_clock> sizer(model_);
    run(slot, sizer, counts);
    // The caller's sample is enough, unless this helper has met elements that are expensive.
    const double expected =
        model_ != nullptr ? model_->shared_estimate() * elements(sizer.total_grains()) : 0;
    if (model_ != nullptr && sizer.total_ns() > tuning::shared_increase * expected)
      model_->learn_shared(sizer.total_ns(), sizer.total_grains() * grain_);
  }

  /// The part of a compensating worker, which has no slot: steals chunks and runs them for as long
  /// as goes_on(). True when nothing is left that a helper could start.
  template <class GoesOn>
  PARALLEL_DETAIL_COMPACT bool help_without_slot(loop_counts& counts,
                                                 const GoesOn& goes_on) noexcept {
    basic_chunk_sizer<quick_clock> sizer(model_);
    sizer.start();
    int scans = 0; // since the last chunk
    for (std::uint32_t last = 0; goes_on();) {
      const std::uint64_t before = steals_.load(memory_order_acquire); // as in steal_into()
      trim_if_ended();
      const stolen_chunk stolen = steal_chunk(last, sizer.chunk_size());
      if (stolen.grains.empty()) {
        if (stolen.all_slots_empty && is_exhausted_since(before))
          return true;
        if (++scans == tuning::max_scans)
          return false;
        pause_after(scans);
        continue;
      }
      if (stolen.from != last || scans != 0)
        sizer.restart_after_steal();
      last = stolen.from;
      scans = 0;
      counts.chunks.add_one();
      counts.steals.add_one();
      trace_instant("steal", {"from", stolen.from}, {"grains", stolen.grains.size()});
      if (run_chunk(stolen.grains))
        sizer.chunk_done(stolen.grains.size());
    }
    return false;
  }

  /// Elements are left out, because one has thrown or the body has ended the loop. A hint until the
  /// loop is at rest.
  [[nodiscard]] bool was_ended() const noexcept { return error_.limit() != SIZE_MAX; }

  [[nodiscard]] std::exception_ptr take_error() noexcept { return error_.take(); }

 private:
  struct stolen_chunk {
    grain_range grains;
    std::uint32_t from;
    bool all_slots_empty; // each of them, when it was read
  };

  struct fullest_slot {
    std::uint32_t slot;
    std::uint32_t grains; // 0: all slots were empty, each when it was read
  };

  [[nodiscard]] double elements(std::size_t grains) const noexcept {
    return static_cast<double>(grains * grain_);
  }

  /// The end of its share from which a slot takes its first chunk. The last slot begins at the
  /// back, so that a single very expensive element is found early at either end of the whole loop,
  /// where sorted inputs have theirs.
  [[nodiscard]] side first_end(std::uint32_t slot) const noexcept {
    return slot != 0 && slot + 1 == dealt_ ? side::back : side::front;
  }

  /// Runs chunks until no grain is left to take, in this slot or any other.
  ///
  /// Chunks come from the front, where each begins where the last one ended, as the processor's
  /// prefetching likes it: from the back, chunks of 10 microseconds take up to 8 % longer. But the
  /// first chunk of a stolen range, which is the back of another slot's range, comes from the back
  /// too, and so do the next ones while elements are expensive there: a chunk that has grown on
  /// cheap elements could otherwise hold all the expensive ones behind them.
  PARALLEL_DETAIL_COMPACT void run(std::uint32_t slot, basic_chunk_sizer<quick_clock>& sizer,
                                   loop_counts& counts) noexcept {
    range_slot& own_range = slots_[slot];
    side end = first_end(slot);
    double review_ns = tuning::first_review_ns;
    sizer.start();
    for (;;) {
      const grain_range chunk = own_range.take(end, sizer.chunk_size(), sizer.min_chunk_size());
      if (!chunk.empty()) {
        counts.chunks.add_one();
        // A review comes one chunk after it is due; see also immediate_review_ratio.
        const bool is_due = sizer.total_ns() > review_ns;
        if (run_chunk(chunk)) {
          sizer.chunk_done(chunk.size());
          if (end == side::back && !sizer.is_expensive()) {
            end = side::front;
            sizer.change_end();
          }
          if (is_due || sizer.total_ns() > tuning::immediate_review_ratio * review_ns) {
            add_participants(sizer);
            review_ns *= tuning::review_growth;
          }
        } else {
          trim_if_ended();
        }
      } else if (steal_into(slot, sizer.min_steal_size(slot_count_.load(memory_order_relaxed)))) {
        counts.steals.add_one();
        sizer.restart_after_steal();
        end = sizer.should_probe_both_ends(own_range.size()) ? side::back : side::front;
      } else {
        return;
      }
    }
  }

  /// Reviews how many threads take part, from what one participant has measured: if grains cost
  /// more than the call site expected, what is left may be worth more slots, or a wake for a slot
  /// that is still free.
  ///
  /// Workers that are awake may be busy elsewhere for long. An idle worker would have taken a free
  /// slot already: so while a slot is free, the workers that are awake and have not joined count as
  /// busy. Workers that were woken for this loop are given the time that a wake takes.
  PARALLEL_DETAIL_COMPACT void
  add_participants(const basic_chunk_sizer<quick_clock>& sizer) noexcept {
    std::uint32_t slots = slot_count_.load(memory_order_relaxed);
    std::size_t max_threads = pool_->most_participants();
    const std::size_t present = joined() + std::size_t{1};
    if (present >= max_threads || sizer.ns_per_grain() < tuning::review_cost_ratio * expected_ns_)
      return;
    trim_if_ended();
    const std::uint64_t left = grains_left(slots);
    if (slots + left < max_threads)
      max_threads = static_cast<std::size_t>(slots + left);
    const double left_ns = static_cast<double>(left) * sizer.ns_per_grain();
    const double wake_ns = pool_->wake_ns();
    const bool any_free = free_slots() != 0;
    const std::size_t useful =
        useful_threads(left_ns, max_threads, any_free ? present - 1 : pool_->awake(), wake_ns);
    // relaxed: published with the slots, to the threads that take them; for others see
    // find_fullest()
    if (useful > slots && slot_count_.compare_exchange_strong(
                              slots, static_cast<std::uint32_t>(useful), memory_order_relaxed))
      pool_->open_further(*this, useful - slots);
    else if (any_free && useful > present && left_ns > tuning::wake_break_even_ratio * wake_ns &&
             (!wakes() || sizer.total_ns() > wake_ns))
      pool_->open_further(*this, 0);
  }

  /// In the first `slots` slots; a hint, as other threads take grains meanwhile.
  [[nodiscard]] std::uint64_t grains_left(std::uint32_t slots) const noexcept {
    std::uint64_t left = 0;
    for (std::uint32_t slot = 0; slot < slots; ++slot)
      left += slots_[slot].size();
    return left;
  }

  void trim_if_ended() noexcept {
    if (was_ended())
      trim_all();
  }

  /// Drops the grains that need not start any more from every slot, so that no thread has to walk
  /// through them.
  void trim_all() noexcept {
    const std::size_t limit = error_.limit();
    const auto first_dropped =
        limit > first_ ? static_cast<std::uint32_t>(grains_in(limit - first_, grain_)) : 0;
    const std::uint32_t slots =
        slot_count_.load(memory_order_relaxed); // relaxed: as in find_fullest()
    for (std::uint32_t slot = 0; slot < slots; ++slot)
      slots_[slot].trim(first_dropped);
  }

  /// False when the chunk was skipped, has failed, or has ended the loop: then was_ended().
  bool run_chunk(grain_range chunk) noexcept {
    const std::size_t begin = first_ + chunk.begin * grain_;
    const std::size_t most = chunk.size() * grain_;
    const std::size_t end =
        most < end_ - begin ? begin + most : end_; // the last grain may be short
    if (error_.precedes(begin))
      return false;
    try {
      const trace_span span("chunk", {"first", begin}, {"elements", end - begin});
      if (body_(begin, end))
        return true;
      error_.end_all();
    } catch (...) {
      // Chunks are disjoint and each runs in order, so the lowest chunk that fails has the lowest
      // index that fails.
      error_.record(begin, std::current_exception());
    }
    return false;
  }

  /// Fills the empty slot `slot` with half of the grains of the fullest slot, so that few steals
  /// are enough; false when all slots are empty, or after max_scans scans. A range of fewer than
  /// `min_grains` is left to its owner for some scans.
  ///
  /// Grains on their way from one slot to another are in neither, so a scan of all slots could miss
  /// them. `steals_` counts the steals under way (low half) and those ever begun (high half): if
  /// none was under way before the scan and none has begun by its end, every slot was empty at one
  /// moment. As grains only ever come out of slots, the loop then stays empty, and no thread needs
  /// to scan again.
  ///
  /// A thief that the system has stopped in the middle of a steal is waited for, but not for ever:
  /// to give up costs parallelism only, as each grain is in a slot or with the thread that took it.
  PARALLEL_DETAIL_COMPACT bool steal_into(std::uint32_t slot, std::uint32_t min_grains) noexcept {
    for (int scan = 0; scan < tuning::max_scans; ++scan) {
      // acquire: pairs with the release that ends a steal. The grains of a steal that ended before
      // this load are in a slot that this scan sees.
      const std::uint64_t before = steals_.load(memory_order_acquire);
      trim_if_ended();
      const fullest_slot from = find_fullest(slot);
      if (from.grains == 0 && is_exhausted_since(before))
        return false;
      const bool is_long = from.grains >= min_grains;
      if ((is_long || (from.grains != 0 && scan >= tuning::deferring_scans)) &&
          move_half(from.slot, slot))
        return true;
      pause_after(scan);
    }
    return false;
  }

  /// Scans all slots but `own`.
  [[nodiscard]] fullest_slot find_fullest(std::uint32_t own) const noexcept {
    // relaxed: only a steal brings grains to a slot that was added. The thread that stole them has
    // seen the higher count, so a thread that has seen the end of that steal in `steals_`, before
    // this load, sees it too.
    const std::uint32_t slots = slot_count_.load(memory_order_relaxed);
    fullest_slot fullest{own, 0};
    for (std::uint32_t i = 1; i < slots; ++i) {
      const std::uint32_t other = own + i < slots ? own + i : own + i - slots;
      const std::uint32_t left = slots_[other].size();
      if (left > fullest.grains)
        fullest = {other, left};
    }
    return fullest;
  }

  /// Steals half of what slot `from` has for the empty slot `to`; false if nothing was left.
  bool move_half(std::uint32_t from, std::uint32_t to) noexcept {
    // acquire: a thread that sees the put() below also sees that this steal has begun.
    steals_.fetch_add(begun + under_way, memory_order_acquire);
    const grain_range stolen = slots_[from].steal();
    if (!stolen.empty())
      slots_[to].put(stolen);
    // release: pairs with the acquire in steal_into().
    steals_.fetch_sub(under_way, memory_order_release);
    if (stolen.empty())
      return false;
    trace_instant("steal", {"from", from}, {"grains", stolen.size()});
    return true;
  }

  /// Takes up to `size` grains from slot `last`, where the last chunk came from and more may be; or
  /// else one grain from the first slot behind it that has any.
  [[nodiscard]] stolen_chunk steal_chunk(std::uint32_t last, std::uint32_t size) noexcept {
    const std::uint32_t slots =
        slot_count_.load(memory_order_relaxed); // relaxed: as in find_fullest()
    bool all_slots_empty = true;
    for (std::uint32_t i = 0; i < slots; ++i) {
      const std::uint32_t slot = last + i < slots ? last + i : last + i - slots;
      if (slots_[slot].size() == 0)
        continue;
      all_slots_empty = false;
      const grain_range grains = slots_[slot].steal(slot == last ? size : 1);
      if (!grains.empty())
        return {grains, slot, false};
    }
    return {{}, last, all_slots_empty};
  }

  static void pause_after(int scans) noexcept {
    if (scans < tuning::pausing_scans)
      pause();
    else
      yield();
  }

  /// After a scan that found all slots empty: `before` is what steals_ was before it.
  [[nodiscard]] bool is_exhausted_since(std::uint64_t before) const noexcept {
    // relaxed is enough: a slot seen empty (acquire) because of a steal (release) shows us that the
    // steal has begun.
    return before % begun == 0 && steals_.load(memory_order_relaxed) == before;
  }

  // The steps by which steals_ counts.
  static constexpr std::uint64_t under_way = 1;
  static constexpr std::uint64_t begun = std::uint64_t{1} << 32;

  // Read by every participant. While the loop runs, only the number of slots changes, a few times.
  alignas(64) fixed_array<range_slot> slots_;
  loop_body body_;
  std::size_t first_ = 0;
  std::size_t end_ = 0;
  std::size_t grain_ = 1;       // elements
  cost_model* model_ = nullptr; // null: the user has chosen the grain
  double expected_ns_ = 0;      // per grain
  scheduler* pool_ = nullptr;
  std::uint32_t dealt_ = 0; // the slots to which grains were dealt
  atomic<std::uint32_t> slot_count_{0};
  first_error error_;
  alignas(64) atomic<std::uint64_t> steals_{0};
};

/// Makes the jobs of a scheduler.
PARALLEL_DETAIL_COMPACT inline job* make_loop(std::size_t participants) {
  return new loop(participants);
}

} // namespace parallel::detail
