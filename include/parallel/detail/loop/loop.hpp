// One data-parallel loop: claim blocks, steal them, join the threads, rethrow.
//
// The caller deals the blocks out to all slots, opens the loop as a job and runs it as participant
// 0; whoever is done with a share takes half of the largest rest; if elements turn out dear, more
// threads are invited. This is the second of the three rooms between parallel::map and a worker
// (map.hpp, here, scheduler/scheduler.hpp), and the only owner of unwinding: nothing leaves
// run_loop, by which pool.hpp enters, while another thread still runs the body. What runs once a
// claim or more rarely is marked cold, here and in scheduler/scheduler.hpp: small code is what
// counts there.
#pragma once

#include <parallel/detail/lite/fixed_array.hpp>
#include <parallel/detail/lite/loop_body.hpp>
#include <parallel/detail/loop/chunking.hpp>
#include <parallel/detail/loop/range_slot.hpp>
#include <parallel/detail/loop/sequential_cutoff.hpp>
#include <parallel/detail/observe/counter.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/clock.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/scheduler/job.hpp>
#include <parallel/detail/scheduler/job_list.hpp>
#include <parallel/detail/scheduler/participant_scope.hpp>
#include <parallel/detail/scheduler/scheduler.hpp>
#include <parallel/detail/task/first_error.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <utility>

namespace parallel::detail {

/// How many blocks of `block` elements hold `elements` (at least one) of them.
constexpr std::size_t grains_in(std::size_t elements, std::size_t block) noexcept {
  return (elements - 1) / block + 1;
}

class loop final : public job {
 public:
  /// For up to `participants` threads, the caller among them.
  explicit loop(std::size_t participants) : job(participants), slots_(participants) {}

  /// Makes the loop ready to run [first, n) in blocks of `block` elements, dealt out evenly to the
  /// slots of `participants` threads; those who come take from those who do not. `site` is null
  /// when the user has chosen the block size, so that nothing is measured; else `pool` is asked for
  /// more threads when the elements turn out dearer than it knows. (The slots of slots that are
  /// added then are empty, as every loop leaves them.)
  [[gnu::cold]] void prepare(const loop_body& body, std::size_t first, std::size_t n,
                             std::size_t block, cost_model* site, std::uint32_t participants,
                             scheduler* pool) noexcept {
    body_ = body;
    first_ = first;
    end_ = n;
    grain_ = block;
    site_ = site;
    known_ns_ = site != nullptr ? site->shared_estimate() * elements(1) : 0;
    pool_ = pool;
    dealt_ = participants;
    slot_count_.store(participants, memory_order_relaxed); // relaxed: published with the job
    const std::uint64_t blocks = grains_in(n - first, block);
    std::uint32_t begin = 0;
    for (std::uint32_t slot = 0; slot < participants; ++slot) {
      // Rounded up: the caller, who starts first, gets the larger share.
      const auto end =
          static_cast<std::uint32_t>((blocks * (slot + 1) + participants - 1) / participants);
      slots_[slot].put({begin, end});
      begin = end;
    }
  }

  /// The caller's share: everything that no helper takes.
  [[gnu::cold]] void participate() noexcept {
    basic_chunk_sizer<quick_clock> own(site_);
    run(0, own, owner_counts());
    if (site_ != nullptr)
      site_->learn_shared(own.total_ns(), own.total_grains() * grain_);
  }

  [[gnu::cold]] void help(std::uint32_t slot, loop_counts& counts) noexcept override {
    basic_chunk_sizer<quick_clock> own(site_);
    run(slot, own, counts);
    // Only what the caller would not have told: that some elements are dear.
    const double expected =
        site_ != nullptr ? site_->shared_estimate() * elements(own.total_grains()) : 0;
    if (site_ != nullptr && own.total_ns() > 2 * expected)
      site_->learn_shared(own.total_ns(), own.total_grains() * grain_);
  }

  /// Runs what it can, without a slot, for as long as goes_on(); true when nothing is left that a
  /// helper could start.
  template <class GoesOn>
  [[gnu::cold]] bool help_without_slot(loop_counts& counts, const GoesOn& goes_on) noexcept {
    basic_chunk_sizer<quick_clock> own(site_);
    own.start();
    int looks = 0;
    for (std::uint32_t last = 0; goes_on();) {
      const std::uint64_t before = steals_.load(memory_order_acquire); // as in steal_for()
      bool all_empty = true;
      grain_range blocks;
      std::uint32_t slot = last; // where there was something there may be more
      const std::uint32_t slots =
          slot_count_.load(memory_order_relaxed); // relaxed: as in steal_for()
      drop_unwanted();
      for (std::uint32_t i = 0; i < slots && blocks.empty(); ++i) {
        slot = last + i < slots ? last + i : last + i - slots;
        if (slots_[slot].size() == 0)
          continue;
        all_empty = false;
        blocks = slots_[slot].steal(slot == last ? own.wanted() : 1);
      }
      if (blocks.empty()) {
        if (all_empty && is_exhausted_since(before))
          return true;
        if (++looks == most_looks)
          return false;
        rest_after(looks);
        continue;
      }
      if (slot != last || looks != 0)
        own.restart();
      last = slot;
      looks = 0;
      counts.chunks.add_one();
      counts.steals.add_one();
      trace_instant("steal", {"from", slot}, {"blocks", blocks.size()});
      if (run_chunk(blocks))
        own.claimed(blocks.size());
    }
    return false;
  }

  /// Elements are left out, because one has thrown or the body has ended the loop. A hint until the
  /// loop is at rest.
  [[nodiscard]] bool was_ended() const noexcept { return error_.limit() != SIZE_MAX; }

  [[nodiscard]] std::exception_ptr take_error() noexcept { return error_.take(); }

 private:
  [[nodiscard]] double elements(std::size_t blocks) const noexcept {
    return static_cast<double>(blocks * grain_);
  }

  /// The end of its share from which a slot takes its first claim: the last slot that has one
  /// begins at the back, so that a giant element is found early at either end of the whole loop,
  /// where sorted inputs have theirs.
  [[nodiscard]] side first_end(std::uint32_t slot) const noexcept {
    return slot != 0 && slot + 1 == dealt_ ? side::back : side::front;
  }

  /// Runs blocks until none is left to claim, in this slot or any other.
  ///
  /// Claims are from the front, where each begins where the one before has ended, as the
  /// processor's prefetching likes it: from the back, claims of 10 microseconds take up to 8 %
  /// longer. But the first one of loot, which is the back of what somebody had, is from the back
  /// too; and while it is dear there, so are those that follow: a claim that has grown on cheap
  /// elements could hold all the dear ones behind them.
  [[gnu::cold]] void run(std::uint32_t slot, basic_chunk_sizer<quick_clock>& own,
                         loop_counts& counts) noexcept {
    range_slot& own_range = slots_[slot];
    side end = first_end(slot);
    double review_ns = first_review_ns;
    own.start();
    for (;;) {
      const grain_range blocks = own_range.take(end, own.wanted(), own.least());
      if (!blocks.empty()) {
        counts.chunks.add_one();
        // After one claim more, as the system may have had a part in the last one; unless that was
        // so long that a wake is little beside it.
        const bool is_due = own.total_ns() > review_ns;
        if (run_chunk(blocks)) {
          own.claimed(blocks.size());
          if (end == side::back && !own.is_expensive()) {
            end = side::front;
            own.turn();
          }
          if (is_due || own.total_ns() > review_at_once * review_ns) {
            add_participants(own);
            review_ns *= 4;
          }
        } else {
          drop_unwanted();
        }
      } else if (steal_for(slot, own.worth_stealing(slot_count_.load(memory_order_relaxed)))) {
        counts.steals.add_one();
        own.restart();
        end = own.worth_trying(own_range.size()) ? side::back : side::front;
      } else {
        return;
      }
    }
  }

  /// A participant that has worked for a while, in `own`, calls this. If blocks take longer than
  /// the call site knew, what is left may be worth more threads than were invited, or than have
  /// come.
  ///
  /// Workers that are awake may be busy elsewhere for long. One that is not takes a free slot at
  /// once: so where one has been left free, nobody is counted on who has not joined. Those that
  /// have been woken for the loop are given the time that a wake takes.
  [[gnu::cold]] void add_participants(const basic_chunk_sizer<quick_clock>& own) noexcept {
    std::uint32_t slots = slot_count_.load(memory_order_relaxed);
    std::size_t most = pool_->most_participants();
    const std::size_t here = joined() + std::size_t{1};
    if (here >= most || own.ns_per_grain() < 2 * known_ns_)
      return;
    std::uint64_t left = 0;
    drop_unwanted();
    for (std::uint32_t slot = 0; slot < slots; ++slot)
      left += slots_[slot].size();
    if (slots + left < most)
      most = static_cast<std::size_t>(slots + left);
    const double left_ns = static_cast<double>(left) * own.ns_per_grain();
    const double wake_ns = pool_->wake_ns();
    const bool any_free = free_slots() != 0;
    const std::size_t worth =
        useful_threads(left_ns, most, any_free ? here - 1 : pool_->awake(), wake_ns);
    // relaxed: published with the slots, to those who take them; see steal_for() for the others
    if (worth > slots && slot_count_.compare_exchange_strong(
                             slots, static_cast<std::uint32_t>(worth), memory_order_relaxed))
      pool_->open_further(*this, worth - slots);
    else if (any_free && worth > here && left_ns > worth_waking * wake_ns &&
             (!wakes() || own.total_ns() > wake_ns))
      pool_->open_further(*this, 0);
  }

  void drop_unwanted() noexcept {
    if (was_ended())
      trim_all();
  }

  /// Empties all slots, anybody's, of the blocks that need not start any more.
  [[gnu::cold]] void trim_all() noexcept {
    const std::size_t limit = error_.limit();
    const auto first_unwanted =
        limit > first_ ? static_cast<std::uint32_t>(grains_in(limit - first_, grain_)) : 0;
    const std::uint32_t slots =
        slot_count_.load(memory_order_relaxed); // relaxed: as in steal_for()
    for (std::uint32_t slot = 0; slot < slots; ++slot)
      slots_[slot].trim(first_unwanted);
  }

  /// False when the blocks were skipped or failed, or have ended the loop: then
  /// was_ended().
  [[gnu::cold]] bool run_chunk(grain_range blocks) noexcept {
    const std::size_t begin = first_ + blocks.begin * grain_;
    const std::size_t most = blocks.size() * grain_;
    const std::size_t end =
        most < end_ - begin ? begin + most : end_; // the last block may be short
    if (error_.precedes(begin))
      return false;
    try {
      const trace_span span("block", {"first", begin}, {"elements", end - begin});
      if (body_(begin, end))
        return true;
      error_.end_all();
    } catch (...) {
      // Claims are disjoint and each runs in order, so the lowest claim holds the lowest index.
      error_.record(begin, std::current_exception());
    }
    return false;
  }

  /// Fills the empty slot of `slot` with half of the blocks of whoever has most, so that few steals
  /// are enough; false when nobody has any. Fewer than `worth` are left to their owner for a
  /// moment, which should be enough for them: else there is a dear one among them. What need not
  /// start any more is dropped wherever it is, so that nobody walks through it.
  ///
  /// Blocks on their way from one slot to another are in neither, so that a look at all the slots
  /// could miss them. `steals_` counts the steals under way (low half) and ever begun (high half):
  /// if none was under way before the look and none has begun by its end, every slot was empty at
  /// one moment. As blocks only ever come out of slots, the loop then stays empty: nobody needs to
  /// look again.
  ///
  /// A thief that the system has stopped in the middle of a steal is waited for, but not for ever:
  /// to give up costs parallelism only, as each block is in somebody's slot or hands.
  [[gnu::cold]] bool steal_for(std::uint32_t slot, std::uint32_t worth) noexcept {
    for (int look = 0; look < most_looks; ++look) {
      // acquire: pairs with the release that ends a steal. Whoever stole before this load has its
      // blocks in a slot that we see.
      const std::uint64_t before = steals_.load(memory_order_acquire);
      // relaxed: blocks come to a slot that was added by a steal only, and whoever has stolen
      // there has seen that there are more: so this load, behind the other, sees it too.
      const std::uint32_t slots = slot_count_.load(memory_order_relaxed);
      drop_unwanted();
      std::uint32_t richest = slot;
      std::uint32_t most = 0;
      for (std::uint32_t i = 1; i < slots; ++i) {
        const std::uint32_t other = slot + i < slots ? slot + i : slot + i - slots;
        const std::uint32_t left = slots_[other].size();
        if (left > most) {
          richest = other;
          most = left;
        }
      }
      if (most == 0 && is_exhausted_since(before))
        return false;
      if (most >= worth || (most != 0 && look >= polite_looks)) {
        // acquire: keeps this steal's put() behind its beginning, for those who see the put().
        steals_.fetch_add(begun + under_way, memory_order_acquire);
        const grain_range loot = slots_[richest].steal();
        if (!loot.empty())
          slots_[slot].put(loot);
        steals_.fetch_sub(under_way, memory_order_release); // pairs with the acquire above
        if (!loot.empty()) {
          trace_instant("steal", {"from", richest}, {"blocks", loot.size()});
          return true;
        }
      }
      rest_after(look);
    }
    return false;
  }

  static void rest_after(int looks) noexcept {
    if (looks < quick_looks)
      pause();
    else
      yield();
  }

  /// After a look at all slots, which were empty: `before` is what steals_ was before it.
  [[nodiscard]] bool is_exhausted_since(std::uint64_t before) const noexcept {
    // relaxed is enough: a slot seen empty (acquire) because of a steal (release) shows us that the
    // steal has begun.
    return before % begun == 0 && steals_.load(memory_order_relaxed) == before;
  }

  static constexpr int quick_looks = 100;
  static constexpr int most_looks = 10'000;
  static constexpr std::uint64_t under_way = 1;
  static constexpr std::uint64_t begun = std::uint64_t{1} << 32;

  // Read by every participant; written by none while the loop runs, but for the slots once or so.
  alignas(64) fixed_array<range_slot> slots_; // by slot
  loop_body body_;
  std::size_t first_ = 0;
  std::size_t end_ = 0;
  std::size_t grain_ = 1;
  cost_model* site_ = nullptr;
  double known_ns_ = 0; // what a block was expected to take
  scheduler* pool_ = nullptr;
  std::uint32_t dealt_ = 0; // the slots to which blocks were dealt
  atomic<std::uint32_t> slot_count_{0};
  first_error error_;
  alignas(64) atomic<std::uint64_t> steals_{0};
};

/// What a scheduler makes its jobs with.
[[gnu::cold]] inline job* make_loop(std::size_t participants) {
  return new loop(participants);
}

/// After a call that woke nobody, and so was shared by `here` threads instead of the `wanted` ones
/// that are worth it: wakes one, when enough of such calls have followed each other.
[[gnu::cold]] inline void wake_for_next(scheduler& pool, cost_model& site, double total_ns,
                                        std::size_t here, std::size_t wanted) noexcept {
  if (here >= wanted)
    return;
  const double took = total_ns / static_cast<double>(here);
  const double lost = took - total_ns / static_cast<double>(wanted);
  if (site.worth_a_wake<quick_clock>(took, lost, pool.wake_ns()))
    pool.wake_one();
}

/// Runs [first, n) on the caller and on whichever workers come, in blocks of `block` elements.
[[gnu::cold]] inline void share(scheduler& pool, const loop_body& body, std::size_t first,
                                std::size_t n, std::size_t block, cost_model* site) {
  const std::uint64_t entered = site != nullptr ? quick_clock::now() : 0;
  loop* work = nullptr;
  try {
    work = static_cast<loop*>(&pool.acquire_job());
  } catch (const std::bad_alloc&) {
    // no memory to share the work: the plain loop, below, needs none
  }
  if (work == nullptr) {
    body(first, n);
    return;
  }
  std::size_t most = pool.most_participants();
  if (const std::size_t blocks = grains_in(n - first, block); blocks < most)
    most = blocks;
  const double expected = site != nullptr ? site->estimate() * static_cast<double>(n - first) : 0;
  const std::size_t awake = pool.awake();
  const participation invited = plan_participation(expected, most, awake, pool.wake_ns());
  const bool compare =
      site != nullptr && invited.threads <= awake + 1 && expected < worth_comparing_rarely_ns;
  work->prepare(body, first, n, block, site, static_cast<std::uint32_t>(invited.threads), &pool);
  pool.open(*work, invited.threads - 1, invited.wakes);
  {
    participant_scope scope(pool, *work);
    work->participate();
    pool.close(*work);
  }
  const bool whole = !work->was_ended(); // else what it took says nothing
  if (whole && compare && site->is_settled())
    site->learn_sharing(quick_clock::ns_between(entered, quick_clock::now()), expected,
                        invited.threads);
  if (whole && site != nullptr && !work->wakes()) {
    // If nobody has come, those who are awake are busy elsewhere.
    const std::size_t here = work->joined() == 0 ? 1 : invited.threads;
    wake_for_next(pool, *site, expected, here, useful_threads(expected, most, most, 0));
  }
  std::exception_ptr error = work->take_error();
  job_list::release(*work);
  if (error)
    std::rethrow_exception(std::move(error));
}

/// What run_below_cutoff asks of the pool's workers.
struct wakes_of {
  scheduler& pool;

  [[nodiscard, gnu::cold]] double wake_ns() const noexcept {
    return pool.awake() != 0 ? 0 : pool.wake_ns();
  }
  [[gnu::cold]] void forget_wake() const noexcept { pool.forget_wake(); }
};

/// Calls body(begin, end) for disjoint ranges that together cover [0, n), on the caller and the
/// pool's workers, and returns when all have ended. `grain` elements are claimed at a time; 0
/// measures it, and `site` remembers. Of several exceptions the one of the lowest index is
/// rethrown; ranges above it that have not started are skipped, ranges below it always finish. When
/// the body returns false, all that has not started is skipped. What is skipped takes no time.
inline void run_loop(scheduler& pool, cost_model* model, std::size_t n, std::size_t grain,
                     const loop_body& body) {
  const trace_span span("call", {"elements", n});
  if (pool.concurrency() == 1 || n < 2 || grain >= n) {
    body(0, n);
    return;
  }
  // Block numbers have 32 bits; the last one is kept free so that rounding up cannot wrap.
  constexpr std::size_t most_blocks = 0xFFFF'FFFE;
  const std::size_t least = n / most_blocks + 1;
  const std::size_t block = grain > least ? grain : least;
  if (grain != 0)
    return share(pool, body, 0, n, block, nullptr);
  const std::size_t done = run_below_cutoff<quick_clock>(*model, n, wakes_of{pool}, body);
  if (n - done >= 2)
    share(pool, body, done, n, block, model);
  else if (done != n)
    body(done, n);
}

} // namespace parallel::detail
