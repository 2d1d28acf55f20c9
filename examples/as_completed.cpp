// Results in the order in which they become ready, each with the index of its input; and calls that
// are repeated when they fail.
#include <parallel/as_completed.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

int main() {
  using namespace std::chrono_literals;
  parallel::io_pool io;

  const std::vector<std::string> hosts = {"slow", "quick"};
  std::vector<std::future<std::size_t>> answers;
  answers.reserve(hosts.size());
  for (const std::string& host : hosts)
    answers.push_back(io.submit([host] { // a network call, say
      std::this_thread::sleep_for(host == "slow" ? 300ms : 1ms);
      return host.size();
    }));
  for (auto [index, answer] : parallel::as_completed(io, answers))
    std::cout << hosts[index] << ": " << answer.get() << '\n';

  std::atomic<int> calls{0};
  const auto flaky = [&](const std::string& host) {
    if (calls++ == 0)
      throw std::runtime_error("connection reset");
    return host + " is well";
  };
  const std::vector<std::string> replies =
      parallel::map(io, hosts, flaky, {.retries = 3, .backoff = 2ms});
  std::cout << replies[0] << ", " << replies[1] << ", after " << calls << " calls\n";
}
