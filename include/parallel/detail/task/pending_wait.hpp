// A thread's wait for what other threads do, as an io_pool sees it.
//
// An io_pool knows the waits of all who work for it, be it for a future, at the end of a map or for
// the next result of an imap. So it can tell when nobody is left to end them. io/scheduler.hpp
// draws that conclusion; what waits describes its wait.
#pragma once

#include <cstddef>
#include <cstring>

namespace parallel::detail {

class task_frame;

/// Says whether a shared state is that of a task which is queued, or which waits itself.
class unfinished_tasks {
 public:
  [[nodiscard]] virtual bool include(const void* state) const noexcept = 0;

 protected:
  ~unfinished_tasks() = default;
};

/// One thread's wait, while it lasts. All that is virtual is called under the pool's mutex, by any
/// thread.
class pending_wait {
 public:
  pending_wait() = default;
  pending_wait(const pending_wait&) = delete;
  pending_wait& operator=(const pending_wait&) = delete;

  /// What it waits for is there: the thread goes on soon.
  [[nodiscard]] virtual bool is_over() const noexcept = 0;

  /// It cannot end before one of these tasks does, or a thread goes on that waits itself.
  [[nodiscard]] virtual bool depends_on(const unfinished_tasks& tasks) const noexcept = 0;

 protected:
  ~pending_wait() = default;

 private:
  friend class pending_waits;
  const task_frame* frame_ = nullptr; // what the thread runs
  pending_wait* next_ = nullptr;
  pending_wait* previous_ = nullptr;
};

/// The waits of those who work for one pool. Guarded by the pool's mutex.
class pending_waits {
 public:
  /// How many there are.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// A wait of the thread whose innermost frame is `frame`.
  void add(pending_wait& one, const task_frame* frame) noexcept {
    one.frame_ = frame;
    one.previous_ = nullptr;
    one.next_ = first_;
    if (first_ != nullptr)
      first_->previous_ = &one;
    first_ = &one;
    ++size_;
  }

  void remove(pending_wait& one) noexcept {
    (one.previous_ != nullptr ? one.previous_->next_ : first_) = one.next_;
    if (one.next_ != nullptr)
      one.next_->previous_ = one.previous_;
    --size_;
  }

  /// Calls visit(wait, innermost frame) until it says true; true if it has.
  template <class Visit>
  [[nodiscard]] bool any_of(const Visit& visit) const noexcept {
    for (const pending_wait* each = first_; each != nullptr; each = each->next_)
      if (visit(*each, each->frame_))
        return true;
    return false;
  }

 private:
  pending_wait* first_ = nullptr;
  std::size_t size_ = 0;
};

/// The shared state that a std::future or std::shared_future refers to, to be compared only.
///
/// They do not say. But each of the standard libraries that we know keeps a pointer to it first (a
/// test sees to that), and no more is needed here: where it is not found again, a wait is taken for
/// one that may end by itself.
template <class Future>
const void* future_state(const Future& future) noexcept {
  const void* state = nullptr;
  static_assert(sizeof future >= sizeof state);
  std::memcpy(static_cast<void*>(&state), static_cast<const void*>(&future), sizeof state);
  return state;
}

/// Executors that want to know who waits: see io_pool.hpp.
template <class E>
concept waits_are_noted = requires(E& executor, pending_wait& one) {
  begin_wait(executor, one);
  check_wait(executor);
  end_wait(executor, one);
};

/// Notes a wait of the calling thread while it lives, where the executor wants to know of it and
/// the thread works for it.
template <class E>
class noted_wait {
 public:
  noted_wait(E& executor, pending_wait& one) noexcept : executor_(executor), one_(one) {
    if constexpr (waits_are_noted<E>)
      if (works_for(executor)) {
        begin_wait(executor, one);
        is_noted_ = true;
      }
  }
  noted_wait(const noted_wait&) = delete;
  noted_wait& operator=(const noted_wait&) = delete;
  ~noted_wait() {
    if constexpr (waits_are_noted<E>)
      if (is_noted_)
        end_wait(executor_, one_);
  }

  /// Throws where the wait would never end, as far as the executor knows. To be asked now and then:
  /// that may be so only later.
  void check() const {
    if constexpr (waits_are_noted<E>)
      if (is_noted_)
        check_wait(executor_);
  }

 private:
  E& executor_;
  pending_wait& one_;
  bool is_noted_ = false;
};

} // namespace parallel::detail
