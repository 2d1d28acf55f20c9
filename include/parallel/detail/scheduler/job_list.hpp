// The list in which the jobs of one worker, or of some outside callers, are offered.
//
// A chain that only grows, so it can be searched without a lock. A worker's nested calls take jobs
// further down the chain, so a searching worker comes to the outermost job first, which has most to
// do.
#pragma once

#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/scheduler/job.hpp>

namespace parallel::detail {

class job_list {
 public:
  job_list() = default;
  job_list(const job_list&) = delete;
  job_list& operator=(const job_list&) = delete;
  ~job_list() {
    for (job* spent = first_.load(memory_order_relaxed); spent != nullptr;) {
      job* const next = spent->next_.load(memory_order_relaxed); // relaxed, both: nobody is left
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
      // acquire: pairs with the release in release(), so that what the last owner did is done.
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
