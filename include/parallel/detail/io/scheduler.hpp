// What the threads of an io_pool do: few while tasks are quick, more as tasks block, none at rest.
//
// One mutex, one queue, first in, first out. One thread churns through tasks as long as they are
// quick, and takes some along at a time. Another one, the lookout, has an eye on it: when a task
// turns out to block, it takes the next one itself and calls more. So it is what blocks that makes
// the pool grow, not what is queued, and a quick task wakes nobody. Entered from io_pool.hpp;
// behind it: io/queue.hpp and io/threads.hpp.
#pragma once

#include <parallel/detail/io/batch.hpp>
#include <parallel/detail/io/queue.hpp>
#include <parallel/detail/io/threads.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/detail/platform/backoff.hpp>
#include <parallel/detail/platform/condition_variable.hpp>
#include <parallel/detail/platform/lock_soon.hpp>
#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/platform/thread.hpp>
#include <parallel/detail/task/pending_wait.hpp>
#include <parallel/detail/task/submitted_task.hpp>
#include <parallel/detail/task/task_frame.hpp>
#include <parallel/detail/task/task_list.hpp>
#include <parallel/detail/task/task_listeners.hpp>
#include <parallel/detail/task/thread_context.hpp>
#include <parallel/errors.hpp>
#include <parallel/pool_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <utility>

namespace parallel::detail {

/// `Clock` is another one in tests only.
template <class Clock>
class basic_io_scheduler {
 public:
  explicit basic_io_scheduler(const io_pool_options& options)
      : queue_(options.queue), threads_(
                                   options, mutex_,
                                   [](void* pool, io_thread& self) noexcept {
                                     static_cast<basic_io_scheduler*>(pool)->work(self);
                                   },
                                   this) {}

  basic_io_scheduler(const basic_io_scheduler&) = delete;
  basic_io_scheduler& operator=(const basic_io_scheduler&) = delete;

  ~basic_io_scheduler() {
    if (is_needed_here())
      fatal("an io_pool was destroyed by one of its own threads, which would have to wait for "
            "itself; let another thread own the pool");
    shutdown();
  }

  /// The calling thread is one of the pool's, or runs a task of it: shutdown() would wait for it.
  [[nodiscard]] bool is_needed_here() const noexcept {
    return this_thread.io_home == this || task_frame::role_in(this).is_needed;
  }

  /// How many threads there are.
  [[nodiscard]] std::size_t threads() const noexcept {
    const guard held = lock();
    return threads_.existing();
  }

  /// What there is right now, and what has been done so far.
  struct counts {
    std::uint64_t tasks = 0; // begun; not those that help with something
    std::size_t running = 0; // those too, here and below
    std::size_t queued = 0;
    std::size_t threads = 0;
    io_thread_counts of_threads;
  };
  [[nodiscard]] counts count() noexcept {
    const guard held = lock();
    queue_.settle();
    return {queue_.begun(), running_, queue_.size(), threads_.existing(), threads_.counts()};
  }

  /// Queues a task, as soon as the queue has room; for the pool's own threads at once, which could
  /// otherwise wait for each other. If it throws, it has not.
  void post(queued_task& task) {
    frame_tasks* const submitter = this->submitter(task);
    guard held = lock();
    reserve(held);
    try {
      push(held, task, submitter);
    } catch (...) {
      queue_.unreserve();
      throw;
    }
  }

  /// Reserves room for a task; false if the queue is full.
  [[nodiscard]] bool try_reserve() noexcept {
    const guard held = lock();
    if (is_open_here())
      return take_room();
    queue_.reserve_beyond(); // push() will say why
    return true;
  }

  /// Gives reserved room back.
  void release() noexcept {
    const guard held = lock();
    queue_.unreserve();
  }

  /// Queues a task for which room has been reserved. If it throws, it has not.
  void post_reserved(queued_task& task) {
    frame_tasks* const submitter = this->submitter(task);
    guard held = lock();
    push(held, task, submitter);
  }

  /// Queues a helper, which needs no room. If it throws, it has not.
  void post_helper(queued_task& helper) {
    guard held = lock();
    push(held, helper, nullptr);
  }

  /// Runs the newest of the tasks that the calling thread's innermost frame has queued here and
  /// nobody has begun; false if there is none.
  bool run_own_task() noexcept {
    const task_frame* const frame = task_frame::innermost();
    const frame_tasks* const own = frame != nullptr ? frame->owned_in(queue_.list()) : nullptr;
    if (own == nullptr)
      return false;
    guard held = lock();
    queued_task* const task = queue_.pop_own(*own);
    if (task != nullptr)
      execute(held, *task);
    return task != nullptr;
  }

  /// While it lives, its thread takes part in a loop on the pool, as the loop's caller. Not to be
  /// const: what is queued meanwhile is noted in its frame.
  class caller {
   public:
    explicit caller(basic_io_scheduler& pool) noexcept
        : pool_(pool), is_guest_(pool.is_guest()), frame_(&pool, {}) {
      if (is_guest_)
        pool_.count_guest(1);
    }
    caller(const caller&) = delete;
    caller& operator=(const caller&) = delete;
    ~caller() {
      if (is_guest_)
        pool_.count_guest(-1);
    }

   private:
    basic_io_scheduler& pool_;
    const bool is_guest_;
    task_frame frame_;
  };

  /// The calling thread works for the pool: it is one of its threads, or runs a task or a loop.
  [[nodiscard]] bool works_here() const noexcept {
    return this_thread.io_pool == this || task_frame::of(this) != nullptr;
  }

  /// Notes a wait of the calling thread, which works for the pool, until end_wait().
  void begin_wait(pending_wait& one) noexcept {
    const guard held = lock();
    waits_.add(one, task_frame::innermost());
  }
  void end_wait(pending_wait& one) noexcept {
    const guard held = lock();
    waits_.remove(one);
  }

  /// Between the two, for a wait that can be given up: throws where it would never end, as all who
  /// work for the pool wait for each other, or for tasks that are queued and left.
  void check_wait() {
    guard held = lock();
    while (threads_.any_starting()) { // which may fail
      held.unlock();
      yield();
      held.lock();
    }
    if (is_stuck(held))
      throw std::system_error(
          std::make_error_code(std::errc::resource_deadlock_would_occur),
          "parallel::io_pool: a wait within a task that would never end, as all who work for the "
          "pool (" +
              std::to_string(waits_.size()) +
              ") wait for each other, or for tasks that are queued (" +
              std::to_string(queue_.size()) + ") with nobody left to run them");
  }

  /// Discards the tasks for which is_wanted(task) is true, of those that nobody has begun.
  template <class Wanted>
  void discard_if(const Wanted& is_wanted) noexcept {
    task_list unwanted;
    {
      const guard held = lock();
      queue_.move_to(unwanted, is_wanted);
      ++running_; // not at rest before they are gone
    }
    unwanted.discard_all(); // not under the mutex: it runs the users' destructors
    const guard held = lock();
    --running_;
    listeners_.tell();
    notify_if_resting();
  }

  void add(task_listener& listener) noexcept {
    const guard held = lock();
    listeners_.add(listener);
    queue_.settle(); // it wants to know of each task's end
  }
  void remove(task_listener& listener) noexcept {
    const guard held = lock();
    listeners_.remove(listener);
  }

  /// Waits until all tasks have run, those that running ones still submit too, and the threads have
  /// ended.
  void shutdown() noexcept {
    {
      guard held = lock();
      if (open_to_ == everybody)
        open_to_ = own_threads;
      queue_.let_all_in(); // where they learn of it
      at_rest_.wait(held, [this] { return is_resting(); });
      open_to_ = nobody;
      threads_.end();
    }
    threads_.join();
  }

  /// Likewise, without the tasks that nobody has begun.
  void shutdown_and_discard() noexcept {
    {
      const guard held = lock();
      open_to_ = nobody;
    }
    discard_if([](const queued_task&) { return true; });
    shutdown();
  }

 private:
  using guard = std::unique_lock<mutex>;

  /// Who may submit.
  enum access { everybody, own_threads, nobody };

  /// A task that takes no longer is quick: not worth what it costs to wake a thread.
  static constexpr double quick_ns = 10'000;
  /// A task that takes so long may be blocked.
  static constexpr double stuck_ns = 50'000;
  /// How often the lookout looks, and how often in vain before it goes to sleep.
  static constexpr std::int64_t look_every_ns = 50'000;
  static constexpr int most_empty_looks = 16;

  /// The mutex is held for moments only, but maybe wanted by a thousand threads.
  [[nodiscard]] guard lock() const noexcept {
    guard held(mutex_, std::defer_lock);
    spin_then_lock(held);
    return held;
  }

  /// The calling thread may submit.
  [[nodiscard]] bool is_open_here() const noexcept {
    return open_to_ == everybody || (open_to_ == own_threads && is_needed_here());
  }

  /// Reserves room in the queue, waiting until there is some or the pool is closed. Its own threads
  /// do not wait.
  void reserve(guard& held) {
    if (open_to_ == everybody && !is_needed_here()) {
      if (queue_.try_reserve())
        return;
      if (!queue_.anybody_waits_for_room())
        look_for_room(held);
      if (open_to_ == everybody) {
        if (!take_room())
          queue_.wait_and_reserve(held);
        return;
      }
    }
    queue_.reserve_beyond();
  }

  [[nodiscard]] bool take_room() noexcept {
    if (queue_.try_reserve())
      return true;
    queue_.settle();
    return queue_.try_reserve();
  }

  /// Tasks that are quick make room sooner than a sleep takes: so the queue is looked at for a
  /// while first, until there is room for some.
  void look_for_room(guard& held) {
    const std::size_t enough = queue_.almost_full();
    held.unlock();
    backoff spin;
    while (queue_.size() >= enough && spin.pause_once())
      ;
    held = lock();
  }

  /// Whose a task of the calling thread is; throws std::bad_alloc.
  [[nodiscard]] frame_tasks* submitter(const queued_task& task) const {
    const submitter_of_task found = submitter_of(task, queue_.list());
    if (found.has_no_memory)
      throw std::bad_alloc();
    return found.tasks;
  }

  /// Helpers, which nobody depends on, would keep a pool from its end that is shut down.
  void push(guard& held, queued_task& task, frame_tasks* submitter) {
    if (task.owner() != nullptr ? open_to_ != everybody : !is_open_here())
      throw shut_down();
    // The first thread is made before the task is queued: if there can be none, nothing has
    // happened.
    if (threads_.total() == 0)
      threads_.start_first();
    queue_.push(task, submitter);
    if (!is_watched()) {
      threads_.call_one(held);
      notify_if_resting(); // meanwhile others may have done it all
    }
  }

  /// Somebody comes to the queue soon who will see to it that it is watched from then on. Whenever
  /// the mutex is free and the queue is not empty, it is watched or every thread is at work: each
  /// thread comes to the queue again after its task.
  [[nodiscard]] bool is_watched() const noexcept {
    return (lookout_ != nullptr && churner_ != nullptr) || is_looking_around_ ||
           threads_.comes_one();
  }

  /// The calling thread is none of the pool's, and does not work for it yet.
  [[nodiscard]] bool is_guest() const noexcept { return !works_here(); }
  void count_guest(int change) noexcept {
    const guard held = lock();
    guests_ += static_cast<std::size_t>(change);
  }

  /// All who work here wait, none of the waits is over or may end by itself, no more threads are to
  /// be had for what is queued, and nobody else can run that.
  [[nodiscard]] bool is_stuck(guard& held) noexcept {
    return all_wait() && (queue_.is_empty() || !threads_.call_one(held)) && all_wait();
  }

  [[nodiscard]] bool all_wait() noexcept {
    queue_.settle();
    if (waits_.size() != threads_.total() + guests_)
      return false;
    const known_tasks known(*this);
    return !waits_.any_of([&](const pending_wait& each, const task_frame*) {
      return each.is_over() || !each.depends_on(known);
    }) && !queue_.any_of([this](const queued_task& task) { return may_be_taken_back(task); });
  }

  /// Whether a thread that does not wait here may run the task, as it has queued it: one of another
  /// pool.
  [[nodiscard]] bool may_be_taken_back(const queued_task& task) const noexcept {
    const frame_tasks* const submitter = task.submitter();
    return submitter != nullptr &&
           !waits_.any_of([&](const pending_wait&, const task_frame* frame) {
             while (frame != nullptr && frame->owned_in(queue_.list()) != submitter)
               frame = frame->around();
             return frame != nullptr;
           });
  }

  /// Tasks that are queued, or that are run by those who wait.
  class known_tasks final : public unfinished_tasks {
   public:
    explicit known_tasks(const basic_io_scheduler& pool) noexcept : pool_(pool) {}

    [[nodiscard]] bool include(const void* state) const noexcept override {
      const auto is_its = [state](const queued_task& task) { return task.answer() == state; };
      return pool_.queue_.any_of(is_its) ||
             pool_.waits_.any_of([&](const pending_wait&, const task_frame* frame) {
               for (; frame != nullptr; frame = frame->around())
                 if (frame->task() != nullptr && is_its(*frame->task()))
                   return true;
               return false;
             });
    }

   private:
    const basic_io_scheduler& pool_;
  };

  /// Runs a task; holds the mutex before and afterwards.
  void execute(guard& held, queued_task& task) noexcept {
    const std::size_t guest = is_guest() ? 1 : 0;
    ++running_;
    guests_ += guest;
    held.unlock();
    call(task);
    held = lock();
    guests_ -= guest;
    has_run();
  }

  void call(queued_task& task) noexcept {
    const trace_span span(task.owner() == nullptr ? "task" : "help");
    const task_frame own(this, {.in_task = true, .is_needed = true}, &task);
    task.run();
  }

  void has_run() noexcept {
    --running_;
    listeners_.tell();
    notify_if_resting();
  }

  void work(io_thread& self) noexcept {
    this_thread.io_home = this;
    this_thread.io_pool = this;
    threads_.begin(self);
    take_tasks(self);
    this_thread.io_pool = nullptr;
    threads_.finish(self);
  }

  void take_tasks(io_thread& self) noexcept {
    guard held = lock();
    threads_.arrive(self);
    self.now = Clock::now();
    while (!threads_.is_ending()) {
      if (churner_ != &self && is_churning(self.now)) {
        if (lookout_ == nullptr && watch(held, self))
          continue;
      } else if (queued_task* const task = queue_.pop()) {
        run(held, self, *task);
        continue;
      } else if (churner_ == &self && look_around(held)) {
        self.now = Clock::now();
        continue;
      }
      if (churner_ == &self)
        churner_ = nullptr;
      if (!threads_.wait(held, self))
        break;
      self.now = Clock::now();
      self.was_slow = false;
    }
  }

  /// Some thread runs quick tasks, one after another, as far as can be told now.
  [[nodiscard]] bool is_churning(std::uint64_t now) const noexcept {
    return churner_ != nullptr && (is_looking_around_ || are_within(stuck_ns, churner_began_, now));
  }

  /// Whether less than `ns` lie between two looks at the clock, whichever came first: they may be
  /// two threads'. If a thread has moved to a processor whose clock is far behind, that cannot be
  /// told, and the answer is no: then somebody else comes to what is queued, needed or not.
  [[nodiscard]] static bool are_within(double ns, std::uint64_t one, std::uint64_t other) noexcept {
    const double between = Clock::ns_between(one, other);
    return between < ns && between > -ns;
  }

  /// Thread: runs a task from the queue, and maybe more.
  void run(guard& held, io_thread& self, queued_task& task) noexcept {
    task_batch more;
    if (churner_ == &self)
      take_along(more);
    else if (churner_ == nullptr && running_ == 0 && !self.was_slow)
      churner_ = &self; // until it turns out otherwise
    if (call_for_the_rest(held, self))
      self.now = Clock::now();
    if (churner_ == &self)
      churner_began_ = self.now;
    ++running_;
    held.unlock();
    run_while_quick(self, task, more);
    held = lock();
    queue_.settle();
    has_run();
    if (self.was_slow && churner_ == &self) {
      churner_ = nullptr;
    } else if (!self.was_slow && !is_churning(self.now)) {
      churner_ = &self;
      churner_began_ = self.now;
    }
  }

  /// Takes more tasks for the one that churns, as long as they are quick; none while somebody wants
  /// to know of each task's end.
  void take_along(task_batch& more) noexcept {
    if (listeners_.empty())
      queue_.fill(more);
  }

  /// Runs a task, and those in the hand until one is slow or it is time to see who else wants the
  /// mutex.
  void run_while_quick(io_thread& self, queued_task& first, task_batch& more) noexcept {
    const std::uint64_t began = self.now;
    for (queued_task* task = &first; task != nullptr; task = more.claim()) {
      const std::uint64_t before = self.now;
      call(*task);
      self.now = Clock::now();
      self.was_slow = !are_within(quick_ns, before, self.now);
      if (!are_within(quick_ns, began, self.now))
        break;
    }
  }

  /// Before a thread turns to a task, which may block it: has others come for what is queued
  /// behind. One, if all is quick so far; else as many as are blocked already, so that the threads
  /// double until all that is queued is under way. True if that has taken some time.
  bool call_for_the_rest(guard& held, const io_thread& self) noexcept {
    bool called = false;
    const std::size_t blocked = churner_ == &self || is_churning(self.now) ? 0 : running_ + 1;
    while (!queue_.is_empty() &&
           (!is_watched() || threads_.coming() < std::min(blocked, queue_.size()))) {
      if (!threads_.call_one(held))
        break;
      called = true;
    }
    return called;
  }

  /// Thread: is the lookout until the queue needs more than the one that churns, and then says so;
  /// false when nothing has been queued for a while.
  bool watch(guard& held, io_thread& self) noexcept {
    lookout_ = &self;
    bool is_needed = false;
    for (int looks = 0; looks < most_empty_looks && !is_needed && !threads_.is_ending(); ++looks) {
      Clock::wait_for(self.woken, held, look_every_ns);
      if (queue_.is_empty())
        continue;
      looks = 0;
      self.now = Clock::now();
      is_needed = !threads_.is_called() && !is_churning(self.now);
    }
    lookout_ = nullptr;
    if (is_needed)
      churner_ = nullptr;
    return is_needed;
  }

  /// Thread: between quick tasks, looks for the next one before it goes to sleep.
  bool look_around(guard& held) noexcept {
    is_looking_around_ = true;
    held.unlock();
    backoff spin;
    while (queue_.size() == 0 && spin.pause_once())
      ;
    held = lock();
    is_looking_around_ = false;
    return !queue_.is_empty();
  }

  /// Nothing to run and nobody who could submit more: only then may the threads end.
  [[nodiscard]] bool is_resting() const noexcept {
    return queue_.is_empty() && running_ == 0 && !threads_.any_starting();
  }

  void notify_if_resting() noexcept {
    if (open_to_ != everybody && is_resting())
      at_rest_.notify_all();
  }

  mutable mutex mutex_; // guards everything below
  io_queue queue_;
  io_threads<Clock> threads_;
  access open_to_ = everybody;
  task_listeners listeners_;
  std::size_t running_ = 0;         // tasks under way
  std::size_t guests_ = 0;          // threads of others that work here
  pending_waits waits_;             // of all who work here
  io_thread* churner_ = nullptr;    // the thread that runs quick tasks, or has lately
  std::uint64_t churner_began_ = 0; // its task
  bool is_looking_around_ = false;  // the churner
  io_thread* lookout_ = nullptr;
  condition_variable at_rest_; // who shuts the pool down waits on it
};

using io_scheduler = basic_io_scheduler<io_clock>;

} // namespace parallel::detail
