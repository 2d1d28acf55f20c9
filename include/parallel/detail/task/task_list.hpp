// Single tasks that are queued, in the order in which they came.
//
// The list is intrusive: to queue a task allocates nothing and cannot fail. The frame that has
// queued a task, its submitter, may reclaim it while it is in the list (`frame_tasks`;
// task/task_frame.hpp decides which frame that is). A task is linked twice: into the list, and into
// the tasks of its submitter.
#pragma once

#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

class frame_tasks;
class task_list;

/// Work for one thread. It is either run or discarded, once, and then deletes itself.
class queued_task {
 public:
  /// `owner` is the loop or window that the task is a helper of, which can do without it. It is
  /// null for a task with a future.
  explicit queued_task(const void* owner = nullptr) noexcept : owner_(owner) {}
  queued_task(const queued_task&) = delete;
  queued_task& operator=(const queued_task&) = delete;
  virtual ~queued_task() = default;

  virtual void run() noexcept = 0;
  virtual void discard() noexcept = 0;

  [[nodiscard]] const void* owner() const noexcept { return owner_; }

  /// The shared state that the task's future refers to (see future_state() in
  /// task/pending_wait.hpp), or null if it has no future.
  [[nodiscard]] const void* shared_state() const noexcept { return shared_state_; }
  void set_shared_state(const void* state) noexcept { shared_state_ = state; }

  /// The tasks of the frame that may reclaim this one, or null if none may: the task is in no list,
  /// it was queued without a submitter, or that frame has ended. Guarded like the list.
  [[nodiscard]] inline const frame_tasks* submitter() const noexcept;

  /// True if no frame may reclaim the task and no owner may discard it: it stays queued until a
  /// thread of the pool takes it.
  [[nodiscard]] inline bool is_detached() const noexcept;

 private:
  friend class frame_tasks;
  friend class task_list;
  const void* const owner_;
  const void* shared_state_ = nullptr;
  queued_task* previous_ = nullptr;  // in the list
  queued_task* next_ = nullptr;      // in the list
  frame_tasks* submitter_ = nullptr; // null when the task is in no list
  queued_task* older_ = nullptr;     // among the submitter's tasks
  queued_task* newer_ = nullptr;     // among the submitter's tasks
};

/// The tasks that one frame has submitted to one list and that no thread has begun.
///
/// The frame and each of the tasks hold a reference, so this object lives as long as any of them.
/// Neither side has to wait for the other, and a frame that ends never touches the list, whose pool
/// may be gone by then.
class frame_tasks {
 public:
  /// `next` is what the same frame has made before, for other lists.
  frame_tasks(const task_list& list, frame_tasks* next) noexcept : list_(&list), next_(next) {}
  frame_tasks(const frame_tasks&) = delete;
  frame_tasks& operator=(const frame_tasks&) = delete;

  [[nodiscard]] const task_list* list() const noexcept { return list_; }
  [[nodiscard]] frame_tasks* next() const noexcept { return next_; }

  /// The frame ends: from now on its remaining tasks have no submitter. Releases the frame's
  /// reference.
  void end_frame() noexcept {
    // relaxed: a thread that reads the old value only leaves a task out of its batch
    frame_has_ended_.store(true, memory_order_relaxed);
    release();
  }

 private:
  friend class queued_task;
  friend class task_list;
  ~frame_tasks() = default;

  void retain() noexcept {
    references_.fetch_add(1, memory_order_relaxed); // relaxed: the caller holds a reference already
  }
  void release() noexcept {
    // acq_rel: the release pairs with the acquire of the release() that deletes, so that what other
    // threads have done here happens before the deletion.
    if (references_.fetch_sub(1, memory_order_acq_rel) == 1)
      delete this;
  }

  const task_list* const list_;
  frame_tasks* const next_;
  queued_task* newest_ = nullptr; // guarded like the list
  atomic<std::uint32_t> references_{1};
  atomic<bool> frame_has_ended_{false};
};

inline const frame_tasks* queued_task::submitter() const noexcept {
  const bool may_be_reclaimed =
      submitter_ != nullptr &&
      !submitter_->frame_has_ended_.load(memory_order_relaxed); // relaxed: see end_frame()
  return may_be_reclaimed ? submitter_ : nullptr;
}

inline bool queued_task::is_detached() const noexcept {
  return owner_ == nullptr && submitter() == nullptr;
}

/// Tasks in the order in which they came. Guarded by the mutex of the pool that has the list.
class task_list {
 public:
  task_list() = default;
  task_list(const task_list&) = delete;
  task_list& operator=(const task_list&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

  /// Appends a task. `submitter`, made for this list, may reclaim it; null if no frame may.
  PARALLEL_DETAIL_COMPACT void push(queued_task& task, frame_tasks* submitter) noexcept {
    task.previous_ = last_;
    (last_ != nullptr ? last_->next_ : first_) = &task;
    last_ = &task;
    if (submitter != nullptr) {
      submitter->retain();
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

  /// Puts a task that has been popped, and that will not be run yet, back to the front.
  PARALLEL_DETAIL_COMPACT void put_back(queued_task& task) noexcept {
    task.next_ = first_;
    (first_ != nullptr ? first_->previous_ : last_) = &task;
    first_ = &task;
  }

  /// Removes and returns the newest of the submitter's tasks, or null.
  queued_task* pop_own(const frame_tasks& submitter) noexcept { return take(submitter.newest_); }

  /// True if found(task) is true for any task.
  template <class Found>
  [[nodiscard]] bool any_of(const Found& found) const noexcept {
    const queued_task* task = first_;
    while (task != nullptr && !found(*task))
      task = task->next_;
    return task != nullptr;
  }

  /// Moves the tasks for which is_wanted(task) is true to the end of another list, and returns
  /// their number.
  template <class Wanted>
  std::size_t move_to(task_list& other, const Wanted& is_wanted) noexcept {
    std::size_t moved = 0;
    for (queued_task* task = first_; task != nullptr;) {
      queued_task* const next = task->next_;
      if (is_wanted(*task)) {
        other.push(*take(task), nullptr);
        ++moved;
      }
      task = next;
    }
    return moved;
  }

  /// Discards all tasks. This runs users' destructors, so call it on a list of the caller's own,
  /// without a mutex.
  void discard_all() noexcept {
    while (queued_task* const task = pop())
      task->discard();
  }

 private:
  static void unlink_from_submitter(queued_task& task) noexcept {
    frame_tasks* const submitter = task.submitter_;
    if (submitter == nullptr)
      return;
    if (task.older_ != nullptr)
      task.older_->newer_ = task.newer_;
    (task.newer_ != nullptr ? task.newer_->older_ : submitter->newest_) = task.older_;
    task.submitter_ = nullptr;
    task.older_ = nullptr;
    task.newer_ = nullptr;
    submitter->release();
  }

  PARALLEL_DETAIL_COMPACT queued_task* take(queued_task* task) noexcept {
    if (task == nullptr)
      return nullptr;
    (task->previous_ != nullptr ? task->previous_->next_ : first_) = task->next_;
    (task->next_ != nullptr ? task->next_->previous_ : last_) = task->previous_;
    task->previous_ = nullptr;
    task->next_ = nullptr;
    unlink_from_submitter(*task);
    return task;
  }

  queued_task* first_ = nullptr;
  queued_task* last_ = nullptr;
};

} // namespace parallel::detail
