// The helper of an imap: a task that computes elements of its window on a thread of the pool.
//
// It runs when a thread takes it, or finds that nothing is left to compute. Other tasks may wait
// for the thread, and an imap may never end, so after a while the helper goes back to the end of
// the pool's queue. From a pool that is shut down it stays away.
#pragma once

#include <parallel/detail/task/task_list.hpp>

#include <memory>
#include <utility>

namespace parallel::detail {

/// `Window` is an imap_window, and the owner of the task; E is the executor that runs it.
template <class Window, class E>
class window_helper final : public queued_task {
 public:
  window_helper(std::shared_ptr<Window> window, E& executor)
      : queued_task(window.get()), window_(std::move(window)), executor_(executor) {}

  void run() noexcept override {
    // Once the task is queued again, another thread may run and delete it: so not window_.
    const std::shared_ptr<Window> window = window_;
    if (!window->help()) {
      delete this;
      return;
    }
    const bool comes_again = run_later(executor_, *this);
    if (!comes_again)
      delete this;
    window->end_handover(comes_again);
  }

  void discard() noexcept override {
    window_->lose_helper();
    delete this;
  }

 private:
  std::shared_ptr<Window> window_;
  E& executor_;
};

} // namespace parallel::detail
