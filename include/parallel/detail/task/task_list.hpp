// Single tasks that wait for a thread, first in, first out; beside the loops that it can join.
//
// The list is intrusive: to queue a task allocates nothing and cannot fail. What one piece of code
// has queued can be taken back by it (`frame_tasks`; task/task_frame.hpp says whose they are).
// Entered from scheduler/task_queue.hpp (thread_pool's) and io/queue.hpp, whose owners guard it;
// what a task is, is decided in task/submitted_task.hpp, io/loop.hpp and stream/window.hpp.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

class frame_tasks;
class task_list;

/// Work for one thread: either run or discarded, once. Then it deletes itself.
class queued_task {
 public:
  /// `owner`: what the task is a helper for, which can do without it; null for one with a future.
  explicit queued_task(const void* owner = nullptr) noexcept : owner_(owner) {}
  queued_task(const queued_task&) = delete;
  queued_task& operator=(const queued_task&) = delete;
  virtual ~queued_task() = default;

  virtual void run() noexcept = 0;
  virtual void discard() noexcept = 0;

  [[nodiscard]] const void* owner() const noexcept { return owner_; }

  /// The shared state that its future refers to; see future_state() in task/pending_wait.hpp. Null
  /// when it has no future.
  [[nodiscard]] const void* answer() const noexcept { return answer_; }
  void set_answer(const void* state) noexcept { answer_ = state; }

  /// Who may take it back, as long as it is queued; null when nobody may. Guarded like the list.
  [[nodiscard]] inline const frame_tasks* submitter() const noexcept;

  /// Nobody who has queued it may take it back, and nobody can do without it.
  [[nodiscard]] inline bool is_unowned() const noexcept;

 private:
  friend class frame_tasks;
  friend class task_list;
  const void* const owner_;
  const void* answer_ = nullptr;
  queued_task* ahead_ = nullptr;     // in the list
  queued_task* behind_ = nullptr;    // in the list
  frame_tasks* submitter_ = nullptr; // among which it is, until it leaves the list
  queued_task* older_ = nullptr;     // among these
  queued_task* newer_ = nullptr;     // likewise
};

/// The tasks that one frame has queued in one list and that nobody has begun.
///
/// It lives as long as its frame, and as long as one of the tasks is in the list: so neither has to
/// wait for the other, and the frame never touches a list whose pool may be gone by then.
class frame_tasks {
 public:
  /// For the frame that makes it, in front of those that it has made before.
  frame_tasks(const task_list& list, frame_tasks* next) noexcept : list_(&list), next_(next) {}
  frame_tasks(const frame_tasks&) = delete;
  frame_tasks& operator=(const frame_tasks&) = delete;

  [[nodiscard]] const task_list* list() const noexcept { return list_; }
  [[nodiscard]] frame_tasks* next() const noexcept { return next_; }

  /// The frame ends: what is left is anybody's.
  void abandon() noexcept {
    abandoned_.store(true,
                     memory_order_relaxed); // relaxed: seen late, a batch leaves a task behind
    let_go();
  }

 private:
  friend class queued_task;
  friend class task_list;
  ~frame_tasks() = default;

  void hold() noexcept {
    references_.fetch_add(1, memory_order_relaxed); // relaxed: the caller has a reference already
  }
  /// Release and acquire: what the others have done here comes before the deletion.
  void let_go() noexcept {
    if (references_.fetch_sub(1, memory_order_acq_rel) == 1)
      delete this;
  }

  const task_list* const list_;
  frame_tasks* const next_;       // of the same frame
  queued_task* newest_ = nullptr; // guarded like the list
  atomic<std::uint32_t> references_{1};
  atomic<bool> abandoned_{false};
};

inline const frame_tasks* queued_task::submitter() const noexcept {
  const bool is_owned =
      submitter_ != nullptr && !submitter_->abandoned_.load(memory_order_relaxed); // see abandon()
  return is_owned ? submitter_ : nullptr;
}

inline bool queued_task::is_unowned() const noexcept {
  return owner_ == nullptr && submitter() == nullptr;
}

/// Tasks in the order in which they have come. Guarded by its owner's mutex.
class task_list {
 public:
  task_list() = default;
  task_list(const task_list&) = delete;
  task_list& operator=(const task_list&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

  /// `submitter`, of this list, is whose the task is; null where nobody will take it back.
  [[gnu::cold]] void push(queued_task& task, frame_tasks* submitter) noexcept {
    task.ahead_ = last_;
    (last_ != nullptr ? last_->behind_ : first_) = &task;
    last_ = &task;
    if (submitter != nullptr) {
      submitter->hold();
      task.submitter_ = submitter;
      task.older_ = submitter->newest_;
      if (task.older_ != nullptr)
        task.older_->newer_ = &task;
      submitter->newest_ = &task;
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
  [[gnu::cold]] queued_task* pop_own(const frame_tasks& submitter) noexcept {
    return take(submitter.newest_);
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
    frame_tasks* const submitter = task.submitter_;
    if (submitter == nullptr)
      return;
    if (task.older_ != nullptr)
      task.older_->newer_ = task.newer_;
    (task.newer_ != nullptr ? task.newer_->older_ : submitter->newest_) = task.older_;
    task.submitter_ = nullptr;
    task.older_ = nullptr;
    task.newer_ = nullptr;
    submitter->let_go();
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
