// Sleeping and being woken (scheduler/parking.hpp): a publisher of work wakes a sleeper, and no
// sleeper is forgotten.
#include "relacy.hpp"

#include <parallel/detail/scheduler/parking.hpp>

#include <cstddef>

using parallel::detail::idle_set;
using parallel::detail::parker;

namespace {

/// The protocol of scheduler/workers.hpp (announce, look once more, park) and its publisher's. Each
/// item is taken by one of the sleepers, which end when all items have been taken.
template <std::size_t Sleepers, int Items, std::size_t Publishers = 1>
struct publish_and_park
    : model::test<publish_and_park<Sleepers, Items, Publishers>, Sleepers + Publishers> {
  void before() {
    published($) = 0;
    idle = new idle_set(Sleepers);
  }
  void after() { delete idle; }

  void thread(unsigned number) {
    if (number < Publishers)
      publish();
    else
      work(number - Publishers);
  }

  void publish() {
    for (int i = 0; i < Items; ++i) {
      if (Publishers == 1 && i == 0)
        published($) = 1;
      available.fetch_add(1);
      wake_one();
    }
  }

  void work(std::size_t self) {
    for (;;) {
      if (take()) {
        wake_one(); // another may be of use, too; and all end in this way
        continue;
      }
      if (is_over())
        return;
      idle->add(self);
      if ((!any() && !is_over()) || !idle->remove(self))
        parkers[self].park();
    }
  }

  bool take() {
    int seen = available.load(parallel::detail::memory_order_relaxed);
    while (seen > 0)
      if (available.compare_exchange_weak(seen, seen - 1)) {
        if (Publishers == 1)
          model::require(published($) > 0, "the work is not there");
        if (taken.fetch_add(1) + 1 == Items * static_cast<int>(Publishers))
          for (std::size_t i = idle->claim(); i != idle_set::none; i = idle->claim())
            parkers[i].unpark();
        return true;
      }
    return false;
  }
  bool any() { return available.load() > 0; }
  bool is_over() { return taken.load() == Items * static_cast<int>(Publishers); }

  void wake_one() {
    if (const std::size_t sleeper = idle->claim(); sleeper != idle_set::none)
      parkers[sleeper].unpark();
  }

  idle_set* idle = nullptr;
  parker parkers[Sleepers];
  parallel::detail::atomic<int> available{0};
  parallel::detail::atomic<int> taken{0};
  rl::var<int> published;
};

/// What is written before unpark() can be read after park(); and a permit is good for one sleep.
struct ping_pong : model::test<ping_pong, 2> {
  void before() { ball($) = 0; }
  void thread(unsigned number) {
    for (int round = 0; round < 2; ++round) {
      if (number == 0) {
        ball($) = ball($) + 1;
        parkers[1].unpark();
        parkers[0].park();
      } else {
        parkers[1].park();
        ball($) = ball($) + 1;
        parkers[0].unpark();
      }
    }
  }
  void after() { model::require(ball($) == 4, "a turn was lost"); }

  parker parkers[2];
  rl::var<int> ball;
};

} // namespace

int main() {
  bool all = true;
  all &= model::passes<ping_pong>("two threads wake each other in turn",
                                  {.random = 1'000'000, .context_bound = 3});
  all &= model::passes<publish_and_park<1, 2>>("a publisher and a sleeper", {.random = 1'000'000});
  all &= model::passes<publish_and_park<2, 1>>("a publisher and two sleepers, one item",
                                               {.random = 1'000'000});
  all &= model::passes<publish_and_park<2, 2>>("a publisher and two sleepers, two items",
                                               {.random = 1'000'000});
  all &= model::passes<publish_and_park<2, 1, 2>>("two publishers and two sleepers",
                                                  {.random = 1'000'000});
  return all ? 0 : 1;
}
