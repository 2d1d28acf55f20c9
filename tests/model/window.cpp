// The window of an imap (stream/window.hpp). Every result comes once and in order, and the consumer
// never waits for an element that no thread computes. Helpers go back to the queue and come again,
// stay away from a pool that is shut down, or come too late.
#include "relacy.hpp"

#include <parallel/detail/platform/sync.hpp>
#include <parallel/detail/stream/window.hpp>
#include <parallel/detail/task/task_list.hpp>

#include <cstddef>
#include <memory>
#include <ranges>
#include <vector>

using parallel::detail::lock_guard;
using parallel::detail::queued_task;

namespace parallel::detail {

/// Relacy prints it when a schedule has failed.
inline std::ostream& operator<<(std::ostream& out, end_reason why) {
  return out << static_cast<int>(why);
}

} // namespace parallel::detail

namespace {

/// All that an imap needs of a pool: a queue, which may be closed.
struct queue {
  parallel::detail::mutex guard;
  parallel::detail::task_list tasks;
  bool is_closed = false;

  queued_task* pop() {
    const lock_guard lock(guard);
    return tasks.pop();
  }
};

bool run_later(queue& to, queued_task& task) {
  const lock_guard lock(to.guard);
  if (!to.is_closed)
    to.tasks.push(task, nullptr);
  return !to.is_closed;
}

/// The consumer takes the first `Taken` results of an imap while `Helpers` threads run what is
/// queued. The last of these threads may close the queue at any time.
template <std::size_t Helpers, bool Ordered, std::size_t Taken>
struct consumed : model::test<consumed<Helpers, Ordered, Taken>, 1 + Helpers> {
  static constexpr std::size_t elements = 4;

  void thread(unsigned number) {
    if (number == 0) {
      consume();
      over.store(1);
    } else {
      help(number == Helpers);
    }
  }
  void consume() {
    const auto twice = [](std::size_t x) { return 2 * x; };
    using source = decltype(std::views::iota(std::size_t{0}, elements));
    using stream = parallel::detail::imap_window<source, decltype(twice)>;
    parallel::imap_options options;
    options.window = 3;
    const auto results = std::make_shared<stream>(std::views::iota(std::size_t{0}, elements), twice,
                                                  Ordered, Helpers, options);
    bool seen[elements] = {};
    std::size_t count = 0;
    for (; count < Taken; ++count) {
      results->advance(pool);
      model::require(!results->at_end(), "a result is missing");
      const std::size_t x = results->front().value() / 2;
      model::require(!seen[x] && (!Ordered || x == count), "a result came twice, or too early");
      seen[x] = true;
    }
    if (Taken == elements) {
      results->advance(pool);
      model::require(results->at_end(), "there is a result too many");
    }
    results->cancel(pool);
  }
  void help(bool closes) {
    while (over.load() == 0) {
      if (queued_task* const helper = pool.pop())
        helper->run();
      else
        parallel::detail::yield();
      if (closes && rl::rand(4) == 0) {
        const lock_guard lock(pool.guard);
        pool.is_closed = true;
      }
    }
  }
  void after() {
    const lock_guard lock(pool.guard);
    pool.tasks.discard_all(); // helpers that come too late
  }

  queue pool;
  parallel::detail::atomic<int> over{0};
};

} // namespace

int main() {
  bool all = true;
  const model::limits some{.random = 200'000, .longest = 20'000};
  all &= model::passes<consumed<1, true, 4>>("an imap and a helper", some);
  all &= model::passes<consumed<2, true, 4>>("an imap and two helpers", some);
  all &= model::passes<consumed<2, false, 4>>(
      "an imap and two helpers, in the order in which calls end", some);
  all &= model::passes<consumed<2, true, 2>>("an imap and two helpers, left in the middle", some);
  return all ? 0 : 1;
}
