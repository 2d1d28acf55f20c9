// Asking a server politely: at most four calls at a time, and at most 1,000 starts per second over
// several maps together. And try_submit() does not wait when the queue is full.
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>

#include <chrono>
#include <future>
#include <iostream>
#include <ranges>

int main() {
  using namespace std::chrono_literals;
  parallel::io_pool io{{.max_threads = 4, .queue = 1, .idle_timeout = 1s, .name = "fetch"}};

  parallel::start_rate polite = 1'000; // starts a second; copies share it
  const auto ask = [](int x) { return x + 1; };
  const auto first = parallel::map(io, std::views::iota(0, 10), ask,
                                   {.in_flight = 4, .rate = polite, .retries = 2, .backoff = 1ms});
  const auto second = parallel::map(io, first, ask, {.in_flight = 4, .rate = polite});
  std::cout << "the last answer is " << second.back() << '\n';

  // One task keeps the only thread busy, and one is queued: the queue is full for a third.
  parallel::io_pool narrow{{.max_threads = 1, .queue = 1}};
  std::promise<void> begun;
  std::promise<void> answered;
  std::future<void> slow = narrow.submit([&] {
    begun.set_value();
    answered.get_future().wait();
  });
  begun.get_future().wait();
  std::future<int> queued = narrow.submit([] { return 2; });
  if (!narrow.try_submit([] { return 3; }))
    std::cout << "the queue is full, " << narrow.threads() << " of " << narrow.max_threads()
              << " threads busy\n";
  answered.set_value();
  slow.get();
  std::cout << "the queued answer is " << queued.get() << '\n';
}
