// Random programs of calls to the library, on pools of all sizes and from several threads at once,
// against what plain loops say. Usage: programs [SEED [COUNT]]
#include <parallel/parallel.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using random_bits = std::mt19937_64;

std::size_t below(random_bits& random, std::size_t limit) {
  return static_cast<std::size_t>(random() % limit);
}

struct failure : std::runtime_error {
  explicit failure(int element)
      : std::runtime_error("element " + std::to_string(element)), index(element) {}
  int index;
};

/// What is done to an element: some work, more for some than for others.
int work(int x) {
  volatile int sum = 0;
  for (int i = 0; i < (x % 97 == 0 ? 2'000 : x % 10); ++i)
    sum = sum + i;
  return 3 * x + 1;
}

std::vector<int> numbers(std::size_t n) {
  std::vector<int> xs(n);
  std::iota(xs.begin(), xs.end(), 0);
  return xs;
}

/// What the plain loop makes of it; empty if it throws.
std::optional<std::vector<int>> serial(const std::vector<int>& xs, int throws_from, int step) {
  std::vector<int> ys;
  for (const int x : xs) {
    if (throws_from >= 0 && x >= throws_from && (x - throws_from) % step == 0)
      return std::nullopt;
    ys.push_back(work(x));
  }
  return ys;
}

/// One call that the oracle answers, too; false if they disagree.
template <class Executor, class Options>
bool call(Executor& pool, random_bits& random, const Options& options, int depth) {
  const std::vector<int> xs =
      numbers(below(random, 4) == 0 ? below(random, 3) : below(random, 300));
  const bool throws = below(random, 4) == 0 && !xs.empty();
  const int from = throws ? static_cast<int>(below(random, xs.size())) : -1;
  const int step = 1 + static_cast<int>(below(random, 7));
  const auto f = [=](int x) {
    if (from >= 0 && x >= from && (x - from) % step == 0)
      throw failure(x);
    return work(x);
  };
  const auto expected = serial(xs, from, step);
  const auto agrees = [&](const auto& made) {
    try {
      const std::vector<int> ys = made();
      return expected.has_value() && ys == *expected;
    } catch (const failure& error) {
      return !expected.has_value() && error.index == from;
    }
  };
  switch (below(random, 7)) {
  case 0:
    return agrees([&] { return parallel::map(pool, xs, f, options); });
  case 1:
    return agrees([&] {
      std::vector<int> ys(xs.size());
      parallel::map_into(pool, xs, ys.begin(), f, options);
      return ys;
    });
  case 2: {
    const auto tried = parallel::try_map(pool, xs, f, options);
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const int x = xs[i];
      const bool fails = from >= 0 && x >= from && (x - from) % step == 0;
      if (tried[i].has_value() == fails || (!fails && *tried[i] != work(x)))
        return false;
    }
    return tried.size() == xs.size();
  }
  case 3:
    return agrees([&] {
      std::vector<int> ys;
      for (const int y : parallel::imap(pool, xs, f))
        ys.push_back(y);
      return ys;
    });
  case 4: {
    const std::size_t stops_at = below(random, 20);
    std::vector<int> ys;
    try {
      for (const int y : parallel::imap_unordered(pool, xs, f)) {
        ys.push_back(y);
        if (ys.size() == stops_at)
          break;
      }
    } catch (const failure&) {
      return from >= 0;
    }
    std::ranges::sort(ys);
    return std::ranges::adjacent_find(ys) == ys.end() && std::ranges::all_of(ys, [&](int y) {
             return (y - 1) % 3 == 0 && (y - 1) / 3 < static_cast<int>(xs.size());
           });
  }
  case 5: {
    std::vector<std::future<int>> answers;
    for (std::size_t i = 0; i < xs.size() % 16; ++i)
      answers.push_back(pool.submit([&f, i] { return f(static_cast<int>(i)); }));
    bool right = true;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const int x = static_cast<int>(i);
      const bool fails = from >= 0 && x >= from && (x - from) % step == 0;
      try {
        right &= pool.get(std::move(answers[i])) == work(x) && !fails;
      } catch (const failure& error) {
        right &= fails && error.index == x;
      }
    }
    return right;
  }
  default: {
    if (depth == 0)
      return true;
    const std::uint64_t seed = random();
    const auto within = parallel::map(pool, numbers(5), [&](int i) {
      random_bits own(seed + static_cast<std::uint64_t>(i));
      return call(pool, own, options, depth - 1);
    });
    return std::ranges::count(within, true) == 5;
  }
  }
}

/// Several threads, each of which makes some calls on the same pool.
template <class Executor, class Options>
bool program(Executor& pool, std::uint64_t seed, const Options& options) {
  std::vector<std::future<bool>> callers;
  for (std::uint64_t caller = 0; caller < 1 + seed % 3; ++caller)
    callers.push_back(std::async(std::launch::async, [&pool, &options, seed, caller] {
      random_bits random(seed * 31 + caller);
      for (int i = 0; i < 6; ++i)
        if (!call(pool, random, options, 2))
          return false;
      return true;
    }));
  bool right = true;
  for (std::future<bool>& each : callers)
    right &= each.get();
  return right;
}

bool passes(std::uint64_t seed) {
  random_bits random(seed);
  const std::size_t threads = std::vector<std::size_t>{1, 2, 3, 4, 8, 32}[below(random, 6)];
  if (below(random, 4) != 0) {
    parallel::thread_pool pool(threads);
    return program(pool, seed,
                   parallel::map_options{.grain = below(random, 3) == 0 ? 0 : below(random, 50)});
  }
  parallel::io_options options{.max_threads = threads, .queue = 1 + below(random, 8)};
  if (below(random, 2) == 0)
    options.idle_timeout = std::chrono::seconds(0);
  parallel::io_pool pool(options);
  return program(pool, seed, parallel::io_map_options{.in_flight = below(random, 5)});
}

} // namespace

int main(int count, char** arguments) {
  const std::uint64_t first = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1;
  const std::uint64_t programs = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 200;
  for (std::uint64_t seed = first; seed < first + programs; ++seed)
    if (!passes(seed)) {
      std::printf("failed with seed %llu\n", static_cast<unsigned long long>(seed));
      return 1;
    }
  std::printf("%llu programs agree with the plain loops\n",
              static_cast<unsigned long long>(programs));
}
