// Pools and calls that end at random instants.
//
// Two threads use a pool while one of them shuts it down or destroys it, or stops a call, after a
// random time of up to a few microseconds. Each round checks what became of every task or element.
// Usage: instants [ROUNDS [SEED]]
#include <parallel/parallel.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <numeric>
#include <random>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using random_bits = std::mt19937_64;

/// Spins for up to a few microseconds; short waits are more likely.
void wait_an_instant(random_bits& random) {
  volatile std::uint64_t left = random() % (std::uint64_t{1} << (random() % 15));
  while (left != 0)
    left = left - 1;
}

/// A thread that runs one job after another, so that a round need not start a thread.
class partner {
 public:
  partner()
      : thread_([this] {
          for (int done = 0;;) {
            while (begun_.load() == done)
              std::this_thread::yield();
            if (!job_)
              return;
            job_();
            ended_.store(++done);
          }
        }) {}
  partner(const partner&) = delete;
  partner& operator=(const partner&) = delete;
  ~partner() {
    begin({});
    thread_.join();
  }

  void begin(std::function<void()> job) {
    job_ = std::move(job);
    begun_.fetch_add(1);
  }
  void await() const {
    while (ended_.load() != begun_.load())
      std::this_thread::yield();
  }

 private:
  std::function<void()> job_;
  std::atomic<int> begun_{0};
  std::atomic<int> ended_{0};
  std::thread thread_;
};

struct flag {
  const std::atomic<bool>& raised;
  [[nodiscard]] bool stop_requested() const { return raised.load(); }
};

template <class Pool>
std::unique_ptr<Pool> pool_of(std::size_t threads, random_bits& random) {
  if constexpr (std::is_same_v<Pool, parallel::io_pool>)
    return std::make_unique<Pool>(
        parallel::io_pool_options{.max_threads = threads,
                                  .queue = 1 + random() % 4,
                                  .idle_timeout = std::chrono::seconds(random() % 2)});
  else
    return std::make_unique<Pool>(threads);
}

/// The partner submits tasks until the pool refuses them. At some instant this thread shuts the
/// pool down, with or without discarding queued tasks, and then destroys it. Returns whether each
/// task has run, or has a future that throws shut_down.
template <class Pool>
bool shut_down_at_an_instant(partner& other, random_bits& random) {
  const std::unique_ptr<Pool> pool = pool_of<Pool>(1 + random() % 4, random);
  std::atomic<int> ran{0};
  int completed = 0;
  int discarded = 0;
  other.begin([&] {
    std::vector<std::future<void>> tasks;
    try {
      for (int i = 0; i < 200; ++i)
        tasks.push_back(pool->submit([&] { ran.fetch_add(1); }));
    } catch (const parallel::shut_down&) {
    }
    for (std::future<void>& task : tasks)
      try {
        task.get();
        ++completed;
      } catch (const parallel::shut_down&) {
        ++discarded;
      }
  });
  wait_an_instant(random);
  const bool discards = random() % 2 == 0;
  if (discards)
    pool->shutdown(parallel::discard);
  else
    pool->shutdown();
  other.await();
  return ran == completed && (discards || discarded == 0);
}

/// The partner maps on the pool, and is stopped at some instant; this thread maps too, or waits.
/// The pool is destroyed as soon as both calls have returned. Returns whether the results are
/// right.
template <class Pool>
bool stops_at_an_instant(partner& other, random_bits& random) {
  std::unique_ptr<Pool> pool = pool_of<Pool>(1 + random() % 4, random);
  std::vector<int> xs(1 + random() % 200);
  std::iota(xs.begin(), xs.end(), 0);
  std::atomic<bool> raised{false};
  bool right = true;
  other.begin([&] {
    const auto tried =
        parallel::try_map(*pool, xs, [](int x) { return x; }, {.stop = flag{raised}});
    for (std::size_t i = 0; i < xs.size(); ++i)
      right = right && (!tried[i].has_value() || *tried[i] == xs[i]);
  });
  bool here = true;
  if (random() % 2 == 0) {
    const std::vector<int> ys = parallel::map(*pool, xs, [](int x) { return x + 1; });
    here = ys.back() == static_cast<int>(xs.size());
  } else {
    wait_an_instant(random);
  }
  raised.store(true);
  other.await();
  pool.reset();
  return right && here;
}

} // namespace

int main(int count, char** arguments) {
  const std::uint64_t rounds = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 100'000;
  const std::uint64_t seed = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1;
  partner other;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    random_bits random(seed + round);
    bool right = false;
    switch (random() % 4) {
    case 0:
      right = shut_down_at_an_instant<parallel::thread_pool>(other, random);
      break;
    case 1:
      right = shut_down_at_an_instant<parallel::io_pool>(other, random);
      break;
    case 2:
      right = stops_at_an_instant<parallel::thread_pool>(other, random);
      break;
    default:
      right = stops_at_an_instant<parallel::io_pool>(other, random);
    }
    if (!right) {
      std::printf("failed with seed %llu\n", static_cast<unsigned long long>(seed + round));
      return 1;
    }
  }
  std::printf("%llu rounds\n", static_cast<unsigned long long>(rounds));
}
