// Work that other threads may join: helpers take a slot, run their share and leave; the owner waits
// until all of them have left.
//
// One state word counts the free slots and the helpers that have joined in this use, so joining and
// withdrawing are one atomic operation each. That a helper has left is noted in its own slot, as
// many leave at once. Jobs belong to the pool and are used again, never freed before it, so a
// helper may touch a job after its owner has gone on. loop/loop.hpp derives the only kind of job;
// scheduler/job_list.hpp is the list in which jobs are offered.
#pragma once

#include <parallel/detail/lite/fixed_array.hpp>
#include <parallel/detail/observe/counter.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/futex.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

class job {
 public:
  /// For up to `participants` threads with a slot at once, the owner among them.
  explicit job(std::size_t participants) : left_(participants) {}
  job(const job&) = delete;
  job& operator=(const job&) = delete;
  virtual ~job() = default;

  /// Runs one helper's share and counts it in `own`; returns when nothing is left that a helper
  /// could start.
  virtual void help(std::uint32_t slot, loop_counts& own) noexcept = 0;

  /// What owners have done, in all uses of the job. Only the owner writes here.
  [[nodiscard]] const loop_counts& owner_counts() const noexcept { return owner_counts_; }
  [[nodiscard]] loop_counts& owner_counts() noexcept { return owner_counts_; }

  /// How often the job has been opened.
  [[nodiscard]] std::uint64_t uses() const noexcept {
    return use_.load(memory_order_relaxed); // relaxed: a number by itself
  }

  /// Helpers that have joined since the job was opened: they hold the slots 1 … joined(), the
  /// owner holds slot 0.
  [[nodiscard]] std::uint32_t joined() const noexcept {
    return joined(state_.load(memory_order_relaxed)); // relaxed: a count
  }

  /// Whether another helper may join.
  [[nodiscard]] bool is_open() const noexcept {
    return free(state_.load()) != 0; // seq_cst: the sleeper's last look, see idle_set
  }

  /// Whether a compensating worker may join. A participant that is blocked may have left work that
  /// others could do, although all slots are taken.
  [[nodiscard]] bool is_open_without_slot() const noexcept {
    return admits_without_slot(state_.load()); // seq_cst: the sleeper's last look, see idle_set
  }

  /// How many more helpers may join. A hint.
  [[nodiscard]] std::uint32_t free_slots() const noexcept {
    return free(state_.load(memory_order_relaxed)); // relaxed: a hint
  }

  /// The most helpers, with a slot or without, that can be inside at once.
  static constexpr std::uint32_t most_inside = 0x7FFE;

  /// Owner: offers the job to at most `slots` helpers, fewer than it is made for. `parent` is the
  /// job within which the owner runs, or null. `within_task` says that the owner runs a task,
  /// directly or in an enclosing frame; `wakes` says that sleeping workers are to be woken for the
  /// job.
  void open(std::uint32_t slots, job* parent = nullptr, bool within_task = false,
            bool wakes = true) noexcept {
    use_.store(uses() + 1, memory_order_relaxed); // relaxed, all four: published with state_
    within_task_ = within_task;
    wakes_.store(wakes, memory_order_relaxed);
    parent_.store(parent, memory_order_relaxed);
    signal_.store(quiet, memory_order_relaxed);
    // seq_cst: the publisher's store, see idle_set and notify_owner(). The release in it pairs with
    // the acquire in join(), so that a helper sees the job as it was prepared.
    state_.store(slots * one_free);
  }

  /// A participant: offers `slots` more slots, possibly none, unless the job is withdrawn. From now
  /// on sleeping workers are to be woken for the free slots. All slots together are fewer than the
  /// job is made for. If the job has a parent, the parent's owner has to be notified afterwards.
  void add_slots(std::uint32_t slots) noexcept {
    wakes_.store(true, memory_order_relaxed); // relaxed: published with the word
    // seq_cst: the publisher's store, and the release for join(), as in open().
    state_.fetch_add(slots * one_free);
  }

  /// The job within which the owner runs. A hint, except to a participant.
  [[nodiscard]] job* parent() const noexcept {
    return parent_.load(memory_order_relaxed); // relaxed: see open()
  }

  /// For participants only.
  [[nodiscard]] bool is_within_task() const noexcept { return within_task_; }
  /// Whether sleeping workers are to be woken for the free slots. For participants only.
  [[nodiscard]] bool wakes() const noexcept {
    return wakes_.load(memory_order_relaxed); // relaxed: see open()
  }

  /// Tells the owner to look again, if it waits. Called by a participant that has opened a job
  /// within this one or added slots to such a job, and by the last helper to leave if the owner
  /// sleeps.
  ///
  /// No notification is lost: all operations here and in wait() are seq_cst. The notifying thread
  /// changes what the owner looks for (a child is opened, a slot is left) before it reads the
  /// owner's marks (the signal, the bit owner_asleep); the owner sets its marks before it looks. So
  /// either the owner sees the change, or the notifying thread sees the marks. The thread that has
  /// changed the signal owes the wake.
  void notify_owner() noexcept {
    std::uint32_t seen = signal_.load();
    if (seen == quiet && signal_.compare_exchange_strong(seen, notified) &&
        (state_.load() & owner_asleep) != 0)
      wake_one_on(signal_);
  }

  /// A worker: takes a slot, numbered from 1; 0 when none is free.
  [[nodiscard]] std::uint32_t join() noexcept {
    std::uint64_t seen = state_.load(memory_order_relaxed); // relaxed: checked by the exchange
    while (free(seen) != 0) {
      const std::uint64_t next = seen - one_free + one_joined;
      // acquire: pairs with the release in open(). The word is the whole state: be this the job
      // that was seen or a later use of it, a slot was free and is taken now.
      if (state_.compare_exchange_weak(seen, next, memory_order_acquire, memory_order_relaxed))
        return joined(next);
    }
    return 0;
  }

  /// A compensating worker: joins without a slot; false when it may not.
  [[nodiscard]] bool join_without_slot() noexcept {
    std::uint64_t seen = state_.load(memory_order_relaxed); // relaxed: checked by the exchange
    while (admits_without_slot(seen))
      // acquire: pairs with the release in open(). The owner withdraws the job before it leaves, so
      // the exchange fails then.
      if (state_.compare_exchange_weak(seen, seen + one_without_slot, memory_order_acquire,
                                       memory_order_relaxed))
        return true;
    return false;
  }

  /// The owner or a participant: nobody can join any more.
  PARALLEL_DETAIL_COMPACT void withdraw() noexcept {
    state_.fetch_add(one_withdrawal, memory_order_relaxed); // relaxed: it publishes nothing else
  }

  /// A helper: gives up its slot. The owner may be gone when this returns.
  void leave(std::uint32_t slot) noexcept {
    // seq_cst: see notify_owner(). The release in it pairs with the load in has_left(): the
    // helper's results become the owner's.
    left_[slot].use.store(uses());
    notify_owner_if_last();
  }

  /// A helper that has found nothing left to start: closes the job to further helpers, which would
  /// find nothing either, and leaves.
  PARALLEL_DETAIL_COMPACT void withdraw_and_leave(std::uint32_t slot) noexcept {
    if (free_slots() != 0)
      withdraw();
    leave(slot);
  }

  /// A compensating worker that has joined without a slot. The owner may be gone when this returns.
  void leave_without_slot() noexcept {
    // seq_cst: see notify_owner(). The release in it pairs with the load in all_have_left().
    state_.fetch_sub(one_without_slot);
    notify_owner_if_last();
  }

  /// A compensating worker that has found nothing left to start.
  void withdraw_and_leave_without_slot() noexcept {
    withdraw();
    leave_without_slot();
  }

  /// Owner: waits until all helpers have left the withdrawn job. Calls spin() until that is false,
  /// and sleeps then. Whenever notify_owner() has been called, help() is called until it finds
  /// nothing to help with.
  template <class Spin, class Help>
  void wait(Spin spin, const Help& help) noexcept {
    const auto answers_notification = [&] {
      // seq_cst, both: see notify_owner().
      if (signal_.load() == quiet || signal_.exchange(quiet) == quiet)
        return false;
      while (help())
        ;
      return true;
    };
    while (!all_have_left()) {
      answers_notification();
      if (spin())
        continue;
      state_.fetch_or(owner_asleep); // seq_cst: see notify_owner()
      while (!all_have_left())
        if (!answers_notification())
          sleep_on(signal_, quiet); // returns at once if the signal has changed meanwhile
    }
  }

 private:
  friend class job_list;

  // The fields of the state word, 15 bits each: compensating workers inside, helpers that have ever
  // joined, slots that nobody has taken, withdrawals (at most one by the owner and by each helper);
  // and one bit that the owner sets.
  static constexpr std::uint64_t all = 0x7FFF;
  static constexpr std::uint64_t one_without_slot = 1;
  static constexpr std::uint64_t one_joined = std::uint64_t{1} << 15;
  static constexpr std::uint64_t one_free = std::uint64_t{1} << 30;
  static constexpr std::uint64_t one_withdrawal = std::uint64_t{1} << 45;
  static constexpr std::uint64_t owner_asleep = std::uint64_t{1} << 60;

  // Whether a waiting owner has to look: a helper has opened a job within this one; or the last
  // helper has left, and the owner was asleep.
  static constexpr std::uint32_t quiet = 0;
  static constexpr std::uint32_t notified = 1;

  static constexpr std::uint32_t field(std::uint64_t word, std::uint64_t one) noexcept {
    return static_cast<std::uint32_t>(word / one & all);
  }
  static constexpr std::uint32_t without_slot(std::uint64_t word) {
    return field(word, one_without_slot);
  }
  static constexpr std::uint32_t joined(std::uint64_t word) { return field(word, one_joined); }
  static constexpr bool is_withdrawn(std::uint64_t word) {
    return field(word, one_withdrawal) != 0;
  }
  static constexpr std::uint32_t free(std::uint64_t word) {
    return is_withdrawn(word) ? 0 : field(word, one_free);
  }

  [[nodiscard]] PARALLEL_DETAIL_COMPACT bool
  admits_without_slot(std::uint64_t word) const noexcept {
    return free(word) != 0 || (joined(word) != 0 && !is_withdrawn(word) && !any_has_left(word));
  }

  /// Whether a helper has left, most likely because nothing is left to start. A hint.
  [[nodiscard]] bool any_has_left(std::uint64_t word) const noexcept {
    for (std::uint32_t slot = joined(word); slot != 0; --slot)
      if (has_left(slot))
        return true;
    return false;
  }

  [[nodiscard]] bool has_left(std::uint32_t slot) const noexcept {
    // seq_cst: see notify_owner(). The acquire in it pairs with the release in leave().
    return left_[slot].use.load() == uses();
  }

  /// Whether every helper that has joined the withdrawn job has left.
  [[nodiscard]] PARALLEL_DETAIL_COMPACT bool all_have_left() const noexcept {
    // seq_cst: see notify_owner(). The acquire in it pairs with the release in
    // leave_without_slot().
    const std::uint64_t word = state_.load();
    bool all_left = without_slot(word) == 0;
    // Without a branch, so that cache misses can overlap: many leave at once.
    for (std::uint32_t slot = joined(word); slot != 0; --slot)
      all_left &= has_left(slot);
    return all_left;
  }

  /// A helper that has just left. The owner may be gone, and the job in another use: then its new
  /// owner is notified needlessly, if at all.
  void notify_owner_if_last() noexcept {
    // seq_cst: see notify_owner(). The last one to leave finds that all others have left.
    if ((state_.load() & owner_asleep) != 0 && all_have_left())
      notify_owner();
  }

  /// In which use of the job the slot was given up last.
  struct alignas(64) departure {
    atomic<std::uint64_t> use{0};
  };

  // What searching workers read has a cache line of its own.
  alignas(64) atomic<std::uint64_t> state_{0};
  atomic<std::uint64_t> use_{0};        // published with the word
  atomic<std::uint32_t> signal_{quiet}; // what the owner sleeps on
  atomic<job*> parent_{nullptr};
  bool within_task_ = false; // published with the word
  atomic<bool> wakes_{true};
  atomic<job*> next_{nullptr};  // in its list, for good
  fixed_array<departure> left_; // by slot

  alignas(64) atomic<bool> taken_{false}; // by an owner, between job_list::acquire() and release()

  // Passed from owner to owner with taken_, as is use_.
  alignas(64) loop_counts owner_counts_;
};

} // namespace parallel::detail
