// Must end with a message: a worker destroys its own pool, which would have to wait for itself.
#include <parallel/map.hpp>

#include <latch>
#include <memory>
#include <thread>
#include <vector>

int main() {
  auto pool = std::make_unique<parallel::thread_pool>(2);
  const std::thread::id caller = std::this_thread::get_id();
  std::latch both(2);
  parallel::for_each(*pool, std::vector<int>(2),
                     [&](int) {
                       both.arrive_and_wait(); // so that one of the two runs on the worker
                       if (std::this_thread::get_id() != caller)
                         pool.reset();
                     },
                     {.grain = 1});
}
