// A pool whose workers have a name and call a function when they start and before they end, and
// that is shut down before it is destroyed.
#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <atomic>
#include <future>
#include <iostream>

int main() {
  std::atomic<int> prepared{0};
  std::atomic<int> cleaned_up{0};
  parallel::thread_pool pool{{.threads = 2,
                              .name = "decode", // decode/0, decode/1 in `top -H`
                              .on_start = [&] { ++prepared; },
                              .on_stop = [&] { ++cleaned_up; }}};

  std::future<int> answer = pool.submit([] { return 42; });
  std::cout << "the answer is " << answer.get() << '\n';

  pool.submit([] { std::cout << "queued tasks are still run\n"; });
  pool.shutdown(); // pool.shutdown(parallel::discard) would discard them
  try {
    pool.submit([] {});
  } catch (const parallel::shut_down& error) {
    std::cout << error.what() << '\n';
  }
  std::cout << (prepared == cleaned_up ? "all threads have cleaned up\n" : "some have not\n");
}
