// Work that other threads may join, and the list in which a thread offers it.
//
// Who may still join a job and who ever did stand in one word, so that joining and withdrawing are
// one atomic operation each; that a helper has left stands in a place of its slot's own, as many
// leave at once. As jobs belong to the pool and are used again, a helper's late last touch harms
// nobody. Entered from scheduler/scheduler.hpp; loop/loop.hpp derives the one kind of job.
#pragma once

#include <parallel/detail/lite/fixed_array.hpp>
#include <parallel/detail/observe/counter.hpp>
#include <parallel/detail/platform/futex.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

class job {
 public:
  /// For up to `participants` threads at once with a slot, the owner among them.
  explicit job(std::size_t participants) : left_(participants) {}
  job(const job&) = delete;
  job& operator=(const job&) = delete;
  virtual ~job() = default;

  /// Runs one helper's share, counted in `own`; returns when nothing is left that a helper could
  /// start.
  virtual void help(std::uint32_t slot, loop_counts& own) noexcept = 0;

  /// What owners have done, in all its uses.
  [[nodiscard]] const loop_counts& by_owners() const noexcept { return by_owners_; }
  [[nodiscard]] std::uint64_t uses() const noexcept {
    return use_.load(memory_order_relaxed); // relaxed: a number by itself
  }

  /// Owner: where it counts.
  [[nodiscard]] loop_counts& by_owner() noexcept { return by_owners_; }

  /// Helpers that have joined since the job was opened: they hold the slots 1 … joined(), the
  /// owner holds slot 0.
  [[nodiscard]] std::uint32_t joined() const noexcept {
    return joined(state_.load(memory_order_relaxed)); // relaxed: a count
  }

  /// True while another helper may join: what a searching worker looks at.
  [[nodiscard]] bool is_open() const noexcept {
    return free(state_.load()) != 0; // seq_cst: the sleeper's last look, see idle_set
  }

  /// True while a stand-in may come: what one that searches looks at. A thread inside that is
  /// blocked may have left work that others could do, although the slots are all taken.
  [[nodiscard]] bool is_open_to_compensation() const noexcept {
    return may_compensate(state_.load()); // seq_cst: the sleeper's last look, see idle_set
  }

  /// How many more may join. A hint.
  [[nodiscard]] std::uint32_t free_slots() const noexcept {
    return free(state_.load(memory_order_relaxed)); // relaxed: a hint
  }

  /// The most helpers, with a slot or without, that can be inside at once.
  static constexpr std::uint32_t most_inside = 0x7FFE;

  /// Owner: offers the job to at most `slots` helpers, fewer than it is made for. `parent` is the
  /// job within which the owner runs, or null; `within_task` says that it runs a task, somewhere
  /// around that; `wakes`, that workers which sleep are to be woken for it.
  void open(std::uint32_t slots, job* parent = nullptr, bool within_task = false,
            bool wakes = true) noexcept {
    use_.store(uses() + 1, memory_order_relaxed); // relaxed, all four: published with the word
    within_task_ = within_task;
    wakes_.store(wakes, memory_order_relaxed);
    parent_.store(parent, memory_order_relaxed);
    signal_.store(quiet, memory_order_relaxed);
    // seq_cst: the publisher's store, see idle_set and notify_owner(). The release in it pairs with
    // the acquire in join(), so that a helper sees the job as it was prepared.
    state_.store(slots * one_free);
  }

  /// Who is inside: offers so many more slots (or none), as long as the job is not withdrawn, and
  /// from now on workers that sleep are to be woken for those that are free. All slots together are
  /// fewer than it is made for. If this is within another job, call its owner then.
  [[gnu::cold]] void add_slots(std::uint32_t slots) noexcept {
    wakes_.store(true, memory_order_relaxed); // relaxed: published with the word
    // seq_cst: the publisher's store, and the release for join(), as in open().
    state_.fetch_add(slots * one_free);
  }

  /// The job within which the owner runs. Anybody may look, but only who is inside can rely on it.
  [[nodiscard]] job* parent() const noexcept {
    return parent_.load(memory_order_relaxed); // relaxed: see open()
  }

  /// For who is inside.
  [[nodiscard]] bool is_within_task() const noexcept { return within_task_; }
  [[nodiscard]] bool wakes() const noexcept {
    return wakes_.load(memory_order_relaxed); // relaxed: see open()
  }

  /// Worker: has just opened a job within this one, or added slots to it, with which the owner
  /// could help if it waits.
  void notify_owner() noexcept {
    // seq_cst, all: what the owner is called for stands before them (a child's open(), a slot
    // left), the owner's marks (the signal reset, the bit set) before its looks for that and at the
    // signal. Either the owner sees it or we the marks. Whoever has changed the signal owes the
    // wake.
    std::uint32_t seen = signal_.load();
    if (seen == quiet && signal_.compare_exchange_strong(seen, called) &&
        (state_.load() & owner_asleep) != 0)
      wake_one_on(signal_);
  }

  /// Worker: takes a slot, numbered from 1; 0 when there is none.
  [[nodiscard, gnu::cold]] std::uint32_t join() noexcept {
    std::uint64_t seen = state_.load(memory_order_relaxed);
    while (free(seen) != 0) {
      const std::uint64_t next = seen - one_free + one_joined;
      // acquire: pairs with the release in open(). The word is the whole state: whether this is the
      // job that was seen or a later use of it, a slot was free and is taken now.
      if (state_.compare_exchange_weak(seen, next, memory_order_acquire, memory_order_relaxed))
        return joined(next);
    }
    return 0;
  }

  /// Stand-in: comes inside without a slot; false when it may not.
  [[nodiscard, gnu::cold]] bool join_without_slot() noexcept {
    std::uint64_t seen = state_.load(memory_order_relaxed);
    while (may_compensate(seen))
      // acquire: as in join(); before the owner leaves, it withdraws the job.
      if (state_.compare_exchange_weak(seen, seen + one_without_slot, memory_order_acquire,
                                       memory_order_relaxed))
        return true;
    return false;
  }

  /// Owner, or who is inside: nobody can join any more; whoever has joined is counted, as both
  /// change one word.
  [[gnu::cold]] void withdraw() noexcept {
    state_.fetch_add(one_withdrawal, memory_order_relaxed); // relaxed: it tells of nothing else
  }

  /// Worker: gives up its slot. The owner may be gone when this returns.
  [[gnu::cold]] void leave(std::uint32_t slot) noexcept {
    // seq_cst: see notify_owner(). The release in it pairs with the load in has_left(): the
    // helper's results become the owner's.
    left_[slot].use.store(uses());
    notify_owner_if_last();
  }

  /// Likewise, for one that has found nothing left to start: the slots that are free are not for
  /// others any more.
  [[gnu::cold]] void withdraw_and_leave(std::uint32_t slot) noexcept {
    if (free_slots() != 0)
      withdraw();
    leave(slot);
  }

  /// Stand-in: goes, as it has come without a slot.
  [[gnu::cold]] void leave_without_slot() noexcept {
    state_.fetch_sub(one_without_slot); // seq_cst and release, as in leave()
    notify_owner_if_last();
  }

  /// Likewise, for one that has found nothing left to start.
  [[gnu::cold]] void withdraw_and_leave_without_slot() noexcept {
    withdraw();
    leave_without_slot();
  }

  /// Owner: waits until everybody has left the withdrawn job: first in `spin`, called until it says
  /// that it has waited long enough, then asleep. Whenever helpers have opened jobs of their own
  /// within this one, `help` is called, until it finds none to help with.
  template <class Spin, class Help>
  [[gnu::cold]] void wait(Spin spin, const Help& help) noexcept {
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
          sleep_on(signal_, quiet); // not if a call has come meanwhile
    }
  }

 private:
  friend class job_list;

  // The word: 15 bits each for stand-ins inside, helpers that have ever joined, slots that nobody
  // has taken, and withdrawals, by the owner and by each who was inside at most; and a mark.
  static constexpr std::uint64_t all = 0x7FFF;
  static constexpr std::uint64_t one_without_slot = 1;
  static constexpr std::uint64_t one_joined = std::uint64_t{1} << 15;
  static constexpr std::uint64_t one_free = std::uint64_t{1} << 30;
  static constexpr std::uint64_t one_withdrawal = std::uint64_t{1} << 45;
  static constexpr std::uint64_t owner_asleep = std::uint64_t{1} << 60;

  // Whether an owner that waits is to look around: a helper has opened a job within this one, or,
  // if the owner sleeps, the last one has left.
  static constexpr std::uint32_t quiet = 0;
  static constexpr std::uint32_t called = 1;

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

  [[nodiscard, gnu::cold]] bool may_compensate(std::uint64_t word) const noexcept {
    return free(word) != 0 || (joined(word) != 0 && !is_withdrawn(word) && !any_has_left(word));
  }

  /// Whether a helper has left, which has most likely found nothing left to start. A hint.
  [[nodiscard, gnu::cold]] bool any_has_left(std::uint64_t word) const noexcept {
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
  [[nodiscard, gnu::cold]] bool all_have_left() const noexcept {
    // seq_cst: see notify_owner(). The acquire in it pairs with the release in
    // leave_without_slot().
    const std::uint64_t word = state_.load();
    bool all_left = without_slot(word) == 0;
    // Without a branch, so that cache misses can overlap: many leave at once.
    for (std::uint32_t slot = joined(word); slot != 0; --slot)
      all_left &= has_left(slot);
    return all_left;
  }

  /// Who has just left: the owner may be gone, and this another use of the job. Then it is called
  /// for nothing, if at all.
  void notify_owner_if_last() noexcept {
    // seq_cst: see notify_owner(). Of all who leave, the last one finds that the others have.
    if ((state_.load() & owner_asleep) != 0 && all_have_left())
      notify_owner();
  }

  /// The use in which a slot was given up last.
  struct alignas(64) departure {
    atomic<std::uint64_t> use{0};
  };

  // What searching workers look at has a cache line of its own.
  alignas(64) atomic<std::uint64_t> state_{0};
  atomic<std::uint64_t> use_{0};        // published with the word
  atomic<std::uint32_t> signal_{quiet}; // what the owner sleeps on
  atomic<job*> parent_{nullptr};
  bool within_task_ = false; // published with the word
  atomic<bool> wakes_{true};
  atomic<job*> next_{nullptr};  // in the list, for good
  fixed_array<departure> left_; // by slot

  alignas(64) atomic<bool> taken_{false};

  // Handed from owner to owner with taken_, as is the use.
  alignas(64) loop_counts by_owners_;
};

/// The jobs that a worker, or some threads from outside, have open. A chain that only grows: a
/// worker's nested calls take jobs further down, so thieves come to the outermost first, which has
/// most to do.
class job_list {
 public:
  job_list() = default;
  job_list(const job_list&) = delete;
  job_list& operator=(const job_list&) = delete;
  [[gnu::cold]] ~job_list() {
    for (job* spent = first_.load(memory_order_relaxed); spent != nullptr;) {
      job* const next = spent->next_.load(memory_order_relaxed); // relaxed: nobody is left
      delete spent;
      spent = next;
    }
  }

  /// The first job that nobody uses, or else a new one from make(); the caller's until release().
  template <class Make>
  [[nodiscard]] job& acquire(const Make& make) {
    atomic<job*>* link = &first_;
    for (job* next = link->load(memory_order_acquire); next != nullptr;
         next = link->load(memory_order_acquire)) { // acquire: pairs with the append below
      // acquire: pairs with the release in release(): what its last owner did there is done.
      if (!next->taken_.exchange(true, memory_order_acquire))
        return *next;
      link = &next->next_;
    }
    job* const made = make();
    made->taken_.store(true, memory_order_relaxed); // relaxed: published with the job itself
    // seq_cst: a sleeper's last look must find the job that is opened in it; see idle_set.
    for (job* behind = nullptr; !link->compare_exchange_strong(behind, made); behind = nullptr)
      link = &behind->next_;
    return *made;
  }

  static void release(job& spent) noexcept {
    spent.taken_.store(false, memory_order_release); // pairs with the acquire in acquire()
  }

  template <class Visit>
  void for_each(const Visit& visit) const {
    // acquire: pairs with the append in acquire().
    for (const job* next = first_.load(memory_order_acquire); next != nullptr;
         next = next->next_.load(memory_order_acquire))
      visit(*next);
  }

  /// The first job, in the order of the chain, for which found(job) is true; or null.
  template <class Found>
  [[nodiscard]] job* find(const Found& found) const noexcept {
    // seq_cst: the sleeper's last look, see idle_set.
    for (job* next = first_.load(); next != nullptr; next = next->next_.load())
      if (found(*next))
        return next;
    return nullptr;
  }

 private:
  atomic<job*> first_{nullptr};
};

} // namespace parallel::detail
