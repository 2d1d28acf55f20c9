// Single tasks that wait for a thread, first in, first out; beside the loops that it can join.
//
// The list is intrusive: to queue a task allocates nothing and cannot fail. What one piece of code
// has queued can be taken back by it (`own_tasks`; task/task_frame.hpp says whose they are).
// Entered from scheduler/task_queue.hpp (thread_pool's) and io/queue.hpp, whose owners guard it;
// what a task is, is decided in task/submitted_task.hpp, io/loop.hpp and stream/window.hpp.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

class own_tasks;
class task_list;

/// Work for one thread: either run or discarded, once. Then it deletes itself.
class queued_task {
 public:
  /// `helped`: what the task is a helper for, which can do without it; null for one with a future.
  explicit queued_task(const void* helped = nullptr) noexcept : helped_(helped) {}
  queued_task(const queued_task&) = delete;
  queued_task& operator=(const queued_task&) = delete;
  virtual ~queued_task() = default;

  virtual void run() noexcept = 0;
  virtual void discard() noexcept = 0;

  [[nodiscard]] const void* helped() const noexcept { return helped_; }

  /// The shared state that its future refers to; see future_state() in task/pending_wait.hpp. Null
  /// when it has no future.
  [[nodiscard]] const void* answer() const noexcept { return answer_; }
  void set_answer(const void* state) noexcept { answer_ = state; }

  /// Who may take it back, as long as it is queued; null when nobody may. Guarded like the list.
  [[nodiscard]] inline const own_tasks* owner() const noexcept;

  /// Nobody who has queued it may take it back, and nobody can do without it.
  [[nodiscard]] inline bool is_anybodys() const noexcept;

 private:
  friend class own_tasks;
  friend class task_list;
  const void* const helped_;
  const void* answer_ = nullptr;
  queued_task* ahead_ = nullptr;  // in the list
  queued_task* behind_ = nullptr; // in the list
  own_tasks* owner_ = nullptr;    // among which it is, until it leaves the list
  queued_task* older_ = nullptr;  // among these
  queued_task* newer_ = nullptr;  // likewise
};

/// The tasks that one frame has queued in one list and that nobody has begun.
///
/// It lives as long as its frame, and as long as one of the tasks is in the list: so neither has to
/// wait for the other, and the frame never touches a list whose pool may be gone by then.
class own_tasks {
 public:
  /// For the frame that makes it, in front of those that it has made before.
  own_tasks(const task_list& list, own_tasks* next) noexcept : list_(&list), next_(next) {}
  own_tasks(const own_tasks&) = delete;
  own_tasks& operator=(const own_tasks&) = delete;

  [[nodiscard]] const task_list* list() const noexcept { return list_; }
  [[nodiscard]] own_tasks* next() const noexcept { return next_; }

  /// The frame ends: what is left is anybody's.
  void abandon() noexcept {
    abandoned_.store(true,
                     memory_order_relaxed); // relaxed: seen late, a batch leaves a task behind
    let_go();
  }

 private:
  friend class queued_task;
  friend class task_list;
  ~own_tasks() = default;

  void hold() noexcept {
    references_.fetch_add(1, memory_order_relaxed); // relaxed: the caller has a reference already
  }
  /// Release and acquire: what the others have done here comes before the deletion.
  void let_go() noexcept {
    if (references_.fetch_sub(1, memory_order_acq_rel) == 1)
      delete this;
  }

  const task_list* const list_;
  own_tasks* const next_;         // of the same frame
  queued_task* newest_ = nullptr; // guarded like the list
  atomic<std::uint32_t> references_{1};
  atomic<bool> abandoned_{false};
};

inline const own_tasks* queued_task::owner() const noexcept {
  const bool is_owned =
      owner_ != nullptr && !owner_->abandoned_.load(memory_order_relaxed); // see abandon()
  return is_owned ? owner_ : nullptr;
}

inline bool queued_task::is_anybodys() const noexcept {
  return helped_ == nullptr && owner() == nullptr;
}

/// Tasks in the order in which they have come. Guarded by its owner's mutex.
class task_list {
 public:
  task_list() = default;
  task_list(const task_list&) = delete;
  task_list& operator=(const task_list&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

  /// `owner`, of this list, is whose the task is; null where nobody will take it back.
  [[gnu::cold]] void push(queued_task& task, own_tasks* owner) noexcept {
    task.ahead_ = last_;
    (last_ != nullptr ? last_->behind_ : first_) = &task;
    last_ = &task;
    if (owner != nullptr) {
      owner->hold();
      task.owner_ = owner;
      task.older_ = owner->newest_;
      if (task.older_ != nullptr)
        task.older_->newer_ = &task;
      owner->newest_ = &task;
    }
  }

  /// The task that has waited longest, or null.
  [[nodiscard]] const queued_task* front() const noexcept { return first_; }
  queued_task* pop() noexcept { return take(first_); }

  /// A task that has been popped, and is not to be run yet.
  [[gnu::cold]] void put_back(queued_task& task) noexcept {
    task.behind_ = first_;
    (first_ != nullptr ? first_->ahead_ : last_) = &task;
    first_ = &task;
  }

  /// The newest of the owner's tasks, or null.
  [[gnu::cold]] queued_task* pop_own(const own_tasks& owner) noexcept {
    return take(owner.newest_);
  }

  /// Whether there is one for which found(task) is true.
  template <class Found>
  [[nodiscard]] bool any_of(const Found& found) const noexcept {
    const queued_task* task = first_;
    while (task != nullptr && !found(*task))
      task = task->behind_;
    return task != nullptr;
  }

  /// Moves those for which is_wanted(task) is true to the end of another list, and returns how many
  /// they are.
  template <class Wanted>
  std::size_t move_to(task_list& other, const Wanted& is_wanted) noexcept {
    std::size_t moved = 0;
    for (queued_task* task = first_; task != nullptr;) {
      queued_task* const next = task->behind_;
      if (is_wanted(*task)) {
        other.push(*take(task), nullptr);
        ++moved;
      }
      task = next;
    }
    return moved;
  }

  /// Discards what is there: in a list of the caller's own, as it runs the users' destructors.
  [[gnu::cold]] void discard_all() noexcept {
    while (queued_task* const task = pop())
      task->discard();
  }

 private:
  [[gnu::cold]] static void disown(queued_task& task) noexcept {
    own_tasks* const owner = task.owner_;
    if (owner == nullptr)
      return;
    if (task.older_ != nullptr)
      task.older_->newer_ = task.newer_;
    (task.newer_ != nullptr ? task.newer_->older_ : owner->newest_) = task.older_;
    task.owner_ = nullptr;
    task.older_ = nullptr;
    task.newer_ = nullptr;
    owner->let_go();
  }

  [[gnu::cold]] queued_task* take(queued_task* task) noexcept {
    if (task == nullptr)
      return nullptr;
    (task->ahead_ != nullptr ? task->ahead_->behind_ : first_) = task->behind_;
    (task->behind_ != nullptr ? task->behind_->ahead_ : last_) = task->ahead_;
    task->ahead_ = nullptr;
    task->behind_ = nullptr;
    disown(*task);
    return task;
  }

  queued_task* first_ = nullptr;
  queued_task* last_ = nullptr;
};

} // namespace parallel::detail
