// Random programs of calls to the library, whose results are compared with those of plain loops.
//
// A program makes calls on one pool, from several threads at once, with pools of different sizes. A
// sequence of `choices` determines the program: it comes from a seed (stress/programs.cpp) or from
// the input of a fuzzer (fuzz/programs.cpp).
#pragma once

#include <parallel/parallel.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
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

namespace test {

/// A sequence of choices: first from bytes, and from a random generator once these are used up.
class choices {
 public:
  explicit choices(std::uint64_t seed) : random_(seed) {}
  choices(const std::uint8_t* bytes, std::size_t size)
      : random_(size), bytes_(bytes), left_(size) {}

  /// Chooses a number below `limit`, which is at most 65,536.
  std::size_t below(std::size_t limit) {
    if (left_ == 0)
      return static_cast<std::size_t>(random_() % limit);
    std::size_t chosen = next_byte();
    if (limit > 256 && left_ != 0)
      chosen = 256 * chosen + next_byte();
    return chosen % limit;
  }

  /// Choices for another thread: the first of `parts` parts of the bytes that are left.
  choices part(std::size_t parts) {
    if (left_ == 0)
      return choices(random_());
    const std::size_t size = left_ / parts;
    choices made(bytes_, size);
    bytes_ += size;
    left_ -= size;
    return made;
  }

 private:
  std::size_t next_byte() {
    --left_;
    return *bytes_++;
  }

  std::mt19937_64 random_;
  const std::uint8_t* bytes_ = nullptr;
  std::size_t left_ = 0;
};

struct failure : std::runtime_error {
  explicit failure(int element)
      : std::runtime_error("element " + std::to_string(element)), index(element) {}
  int index;
};

/// The function that is mapped. It takes longer for some elements than for others.
inline int work(int x) {
  volatile int sum = 0;
  for (int i = 0; i < (x % 97 == 0 ? 2'000 : x % 10); ++i)
    sum = sum + i;
  return 3 * x + 1;
}

inline std::vector<int> numbers(std::size_t n) {
  std::vector<int> xs(n);
  std::iota(xs.begin(), xs.end(), 0);
  return xs;
}

/// The expected results, from a plain loop; nothing if the loop throws.
inline std::optional<std::vector<int>> serial(const std::vector<int>& xs, int throws_from,
                                              int step) {
  std::vector<int> ys;
  for (const int x : xs) {
    if (throws_from >= 0 && x >= throws_from && (x - throws_from) % step == 0)
      return std::nullopt;
    ys.push_back(work(x));
  }
  return ys;
}

/// Makes one random call. Returns whether it agrees with the plain loop.
template <class Executor, class Options>
bool call(Executor& pool, choices& choose, const Options& options, int depth) {
  const std::vector<int> xs = numbers(choose.below(4) == 0 ? choose.below(3) : choose.below(300));
  const bool throws = choose.below(4) == 0 && !xs.empty();
  const int from = throws ? static_cast<int>(choose.below(xs.size())) : -1;
  const int step = 1 + static_cast<int>(choose.below(7));
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
  switch (choose.below(7)) {
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
    const std::size_t stops_at = choose.below(20);
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
    std::vector<std::future<int>> futures;
    for (std::size_t i = 0; i < xs.size() % 16; ++i)
      futures.push_back(pool.submit([&f, i] { return f(static_cast<int>(i)); }));
    bool right = true;
    for (std::size_t i = 0; i < futures.size(); ++i) {
      const int x = static_cast<int>(i);
      const bool fails = from >= 0 && x >= from && (x - from) % step == 0;
      try {
        right &= pool.get(std::move(futures[i])) == work(x) && !fails;
      } catch (const failure& error) {
        right &= fails && error.index == x;
      }
    }
    return right;
  }
  default: {
    if (depth == 0)
      return true;
    std::vector<choices> each;
    for (std::size_t parts = 5; parts != 0; --parts)
      each.push_back(choose.part(parts));
    const auto within = parallel::map(pool, numbers(5), [&](int i) {
      return call(pool, each[static_cast<std::size_t>(i)], options, depth - 1);
    });
    return std::ranges::count(within, true) == 5;
  }
  }
}

/// Has several threads make `calls` calls each on the same pool. Returns whether all agree.
template <class Executor, class Options>
bool agrees_on(Executor& pool, choices& choose, const Options& options, int calls) {
  std::vector<std::future<bool>> callers;
  for (std::size_t others = 1 + choose.below(3); others != 0; --others)
    callers.push_back(std::async(std::launch::async,
                                 [&pool, &options, calls, own = choose.part(others)]() mutable {
                                   for (int i = 0; i < calls; ++i)
                                     if (!call(pool, own, options, 2))
                                       return false;
                                   return true;
                                 }));
  bool right = true;
  for (std::future<bool>& each : callers)
    right &= each.get();
  return right;
}

/// Runs one program with `calls` calls per thread. Returns whether all agree with the plain loops.
inline bool program_agrees(choices& choose, int calls) {
  const std::size_t threads = std::vector<std::size_t>{1, 2, 3, 4, 8, 32}[choose.below(6)];
  if (choose.below(4) != 0) {
    parallel::thread_pool pool(threads);
    const std::size_t grain = choose.below(3) == 0 ? 0 : choose.below(50);
    return agrees_on(pool, choose, parallel::map_options{.grain = grain}, calls);
  }
  parallel::io_pool_options options{.max_threads = threads, .queue = 1 + choose.below(8)};
  if (choose.below(2) == 0)
    options.idle_timeout = std::chrono::seconds(0);
  parallel::io_pool pool(options);
  return agrees_on(pool, choose, parallel::io_map_options{.in_flight = choose.below(5)}, calls);
}

} // namespace test
