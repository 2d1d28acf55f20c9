// Work that other threads may join, and the list in which a thread offers it.
//
// Who may still join a job, who ever did and who is inside stand in one word, so that joining,
// withdrawing and leaving, or both at once, are one atomic operation each; and as jobs belong to
// the pool and are used again, a helper's late last touch harms nobody. Entered from scheduler.hpp;
// loop.hpp derives the one kind of job.
#pragma once

#include <parallel/detail/counter.hpp>
#include <parallel/detail/platform/futex.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstdint>

namespace parallel::detail {

class job {
 public:
  job() = default;
  job(const job&) = delete;
  job& operator=(const job&) = delete;
  virtual ~job() = default;

  /// Runs one helper's share, counted in `own`; returns when nothing is left that a helper could
  /// start.
  virtual void help(std::uint32_t seat, loop_counts& own) noexcept = 0;

  /// What owners have done, in all its uses.
  [[nodiscard]] const loop_counts& by_owners() const noexcept { return by_owners_; }
  [[nodiscard]] const counter& uses() const noexcept { return uses_; }

  /// Owner: where it counts.
  [[nodiscard]] loop_counts& by_owner() noexcept { return by_owners_; }

  /// Helpers that have joined since the job was opened: they hold the seats 1 … joined(), the
  /// owner holds seat 0.
  [[nodiscard]] std::uint32_t joined() const noexcept {
    return joined(crew_.load(memory_order_relaxed)); // relaxed: a count, for tests
  }

  /// True while another helper may join: what a searching worker looks at.
  [[nodiscard]] bool is_open() const noexcept {
    return free(crew_.load()) != 0; // seq_cst: the sleeper's last look, see idle_set
  }

  /// True while a stand-in may come: what one that searches looks at. A thread inside that is
  /// blocked may have left work that others could do, although the seats are all taken.
  [[nodiscard]] bool is_open_to_stand_ins() const noexcept {
    return may_stand_in(crew_.load()); // seq_cst: the sleeper's last look, see idle_set
  }

  /// How many more may join. A hint.
  [[nodiscard]] std::uint32_t free_seats() const noexcept {
    return free(crew_.load(memory_order_relaxed)); // relaxed: a hint
  }

  /// The most helpers, with a seat or without, that can be inside at once.
  static constexpr std::uint32_t most_inside = 0x7FFE;

  /// Owner: offers the job to at most `seats` helpers, up to most_inside. `parent` is the job
  /// within which the owner runs, or null; `within_task` says that it runs a task, somewhere around
  /// that; `wakes`, that workers which sleep are to be woken for it.
  void open(std::uint32_t seats, job* parent = nullptr, bool within_task = false,
            bool wakes = true) noexcept {
    uses_.add_one();
    within_task_ = within_task;
    wakes_.store(wakes, memory_order_relaxed); // relaxed, all three: published with the word
    parent_.store(parent, memory_order_relaxed);
    signal_.store(quiet, memory_order_relaxed);
    // seq_cst: the publisher's store, see idle_set and call_owner(). The release in it pairs with
    // the acquire in join(), so that a helper sees the job as it was prepared.
    crew_.store(seats * one_free);
  }

  /// Who is inside: offers so many more seats, as long as the job is not withdrawn, and from now on
  /// workers that sleep are to be woken for it. All seats together are most_inside at the most. If
  /// this is within another job, call its owner then.
  [[gnu::cold]] void add_seats(std::uint32_t seats) noexcept {
    wakes_.store(true, memory_order_relaxed); // relaxed: published with the word
    // seq_cst: the publisher's store, and the release for join(), as in open().
    crew_.fetch_add(seats * one_free);
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

  /// Worker inside: has just opened a job within this one, or added seats to it, with which the
  /// owner could help if it waits.
  void call_owner() noexcept {
    // seq_cst, all: the child's open() stands before them, the owner's marks (the signal reset, the
    // bit set) before its looks for children and at the signal. Either the owner sees the child or
    // we the marks. Whoever has changed the signal owes the wake.
    std::uint32_t seen = signal_.load();
    if (seen == quiet && signal_.compare_exchange_strong(seen, child) &&
        (crew_.load() & owner_asleep) != 0)
      wake_one_on(signal_);
  }

  /// Worker: takes a seat, numbered from 1; 0 when there is none.
  [[nodiscard, gnu::cold]] std::uint32_t join() noexcept {
    std::uint64_t seen = crew_.load(memory_order_relaxed);
    while (free(seen) != 0) {
      const std::uint64_t next = seen - one_free + one_joined + one_inside;
      // acquire: pairs with the release in open(). The word is the whole state: whether this is the
      // job that was seen or a later use of it, a seat was free and is taken now.
      if (crew_.compare_exchange_weak(seen, next, memory_order_acquire, memory_order_relaxed))
        return joined(next);
    }
    return 0;
  }

  /// Stand-in: comes inside without a seat; false when it may not.
  [[nodiscard, gnu::cold]] bool join_without_seat() noexcept {
    std::uint64_t seen = crew_.load(memory_order_relaxed);
    while (may_stand_in(seen))
      // acquire: as in join(); the owner cannot have left while a seat is free or a helper inside.
      if (crew_.compare_exchange_weak(seen, seen + one_inside, memory_order_acquire,
                                      memory_order_relaxed))
        return true;
    return false;
  }

  /// Owner: nobody can join any more; whoever has joined is counted, as both change one word.
  [[gnu::cold]] void withdraw() noexcept {
    crew_.fetch_add(one_withdrawal, memory_order_relaxed); // relaxed: see wait()
  }

  /// Worker: ends its membership. The owner may be gone when this returns.
  [[gnu::cold]] void leave() noexcept { depart(0 - one_inside); }

  /// Likewise, for one that has found nothing left to start: nobody can join any more.
  [[gnu::cold]] void withdraw_and_leave() noexcept { depart(one_withdrawal - one_inside); }

  /// Owner: waits until every helper is out of the withdrawn job: first in `spin`, called until it
  /// says that it has waited long enough, then asleep. Whenever helpers have opened jobs of their
  /// own within this one, `help` is called, until it finds none to help with.
  template <class Spin, class Help>
  [[gnu::cold]] void wait(Spin spin, const Help& help) noexcept {
    const auto help_children = [&] {
      // relaxed at first: a hint. Then seq_cst: see call_owner().
      std::uint32_t called = child;
      if (signal_.load(memory_order_relaxed) == child &&
          signal_.compare_exchange_strong(called, quiet))
        while (help())
          ;
    };
    // acquire, here and below: pairs with the release in each leave(), as these continue one
    // another's release sequences.
    while (inside(crew_.load(memory_order_acquire)) != 0) {
      help_children();
      // seq_cst: see call_owner().
      if (spin() || inside(crew_.fetch_or(owner_asleep)) == 0)
        continue;
      // Some helper is inside, and the last to leave will find the mark.
      for (;;) {
        help_children();
        const std::uint32_t seen = signal_.load(); // seq_cst: see call_owner()
        if (seen == departed)
          break;
        if (seen == quiet)
          sleep_on(signal_, quiet);
      }
    }
  }

 private:
  friend class job_list;

  // The word: 15 bits each for helpers inside, those ever joined, seats that nobody has taken, and
  // withdrawals, by the owner and by each who was inside at most; and a mark. To count withdrawals
  // takes a leaver one addition, where many leave at once; a flag would take a look before it.
  static constexpr std::uint64_t all = 0x7FFF;
  static constexpr std::uint64_t one_inside = 1;
  static constexpr std::uint64_t one_joined = std::uint64_t{1} << 15;
  static constexpr std::uint64_t one_free = std::uint64_t{1} << 30;
  static constexpr std::uint64_t one_withdrawal = std::uint64_t{1} << 45;
  static constexpr std::uint64_t owner_asleep = std::uint64_t{1} << 60;

  // What an owner that waits is called for.
  static constexpr std::uint32_t quiet = 0;
  static constexpr std::uint32_t child = 1;    // a helper has opened a job within this one
  static constexpr std::uint32_t departed = 2; // the last helper has left a sleeping owner

  static constexpr std::uint32_t field(std::uint64_t word, std::uint64_t one) noexcept {
    return static_cast<std::uint32_t>(word / one & all);
  }
  static constexpr std::uint32_t inside(std::uint64_t word) { return field(word, one_inside); }
  static constexpr std::uint32_t joined(std::uint64_t word) { return field(word, one_joined); }
  static constexpr bool is_withdrawn(std::uint64_t word) {
    return field(word, one_withdrawal) != 0;
  }
  static constexpr std::uint32_t free(std::uint64_t word) {
    return is_withdrawn(word) ? 0 : field(word, one_free);
  }
  static constexpr bool may_stand_in(std::uint64_t word) {
    return free(word) != 0 || (inside(word) != 0 && !is_withdrawn(word));
  }

  /// The change to the word is modulo 2^64: as the caller is inside, nothing is borrowed.
  [[gnu::cold]] void depart(std::uint64_t change) noexcept {
    // release: pairs with the acquire in wait(): the helper's results become the owner's.
    const std::uint64_t before = crew_.fetch_add(change, memory_order_release);
    if (inside(before) == 1 && (before & owner_asleep) != 0) {
      signal_.exchange(
          departed); // seq_cst for wake_one_on(); its release pairs with the acquire in wait()
      wake_one_on(signal_);
    }
  }

  // What searching workers look at has a cache line of its own.
  alignas(64) atomic<std::uint64_t> crew_{0};
  atomic<std::uint32_t> signal_{quiet}; // what the owner sleeps on
  atomic<job*> parent_{nullptr};
  bool within_task_ = false; // published with the word
  atomic<bool> wakes_{true};
  atomic<job*> next_{nullptr}; // in the list, for good

  alignas(64) atomic<bool> taken_{false};

  // Handed from owner to owner with taken_.
  alignas(64) loop_counts by_owners_;
  counter uses_;
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
