// Memory runs out at the first allocation, at the second, and so on until a call needs no more: it
// throws std::bad_alloc or does without, loses nothing, and the pool goes on. The program's own
// operator new replaces the system's.
#include <parallel/parallel.hpp>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <new>
#include <numeric>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

std::atomic<long> left{-1}; // allocations that succeed; below zero: all
std::atomic<long> alive{0}; // of the test's own objects

bool is_refused() noexcept {
  long seen = left.load();
  while (seen >= 0)
    if (left.compare_exchange_weak(seen, seen == 0 ? 0 : seen - 1))
      return seen == 0;
  return false;
}

/// A result that counts itself.
class counted {
 public:
  explicit counted(int value) : value_(value) { ++alive; }
  counted(const counted& other) : value_(other.value_) { ++alive; }
  counted(counted&& other) noexcept : value_(other.value_) { ++alive; }
  counted& operator=(const counted&) = default;
  ~counted() { --alive; }
  [[nodiscard]] int value() const { return value_; }

 private:
  int value_;
};

std::vector<int> numbers() {
  std::vector<int> xs(40);
  std::iota(xs.begin(), xs.end(), 0);
  return xs;
}

int failures = 0;

void check(bool right, const char* name, const char* what, long k) {
  if (!right) {
    std::printf("%s: %s, when allocation %ld fails\n", name, what, k);
    ++failures;
  }
}

template <class Pool>
Pool made() {
  if constexpr (std::is_same_v<Pool, parallel::io_pool>)
    return Pool(parallel::io_pool_options{.max_threads = 3});
  else
    return Pool(3);
}

/// Has allocation k fail, for each k from 0: run(pool) says whether its result is right.
template <class Pool, class Run>
void at_every_allocation(const char* name, const Run& run) {
  long k = 0;
  for (bool clean = false; !clean && k < 10'000; ++k) {
    {
      Pool pool = made<Pool>();
      left = k;
      try {
        const bool right = run(pool);
        clean = left.exchange(-1) > 0;
        check(right, name, "another result", k);
      } catch (const std::bad_alloc&) {
        left = -1;
      } catch (const std::system_error&) { // a thread is made of memory, too
        left = -1;
      }
      try {
        check(run(pool), name, "another result afterwards", k);
      } catch (...) {
        check(false, name, "an exception afterwards", k);
      }
    }
    check(alive == 0, name, "objects are left", k);
  }
  std::printf("%s: %ld allocations\n", name, k - 1);
}

template <class Pool>
void all_calls(const char* pool_name) {
  std::printf("%s\n", pool_name);
  const auto f = [](int x) { return counted(x + 1); };
  const auto right = [](const std::vector<counted>& ys) {
    return ys.size() == 40 && ys.front().value() == 1 && ys.back().value() == 40;
  };
  static const std::vector<int> xs = numbers();
  at_every_allocation<Pool>("map", [&](Pool& pool) { return right(parallel::map(pool, xs, f)); });
  at_every_allocation<Pool>("try_map", [&](Pool& pool) {
    const auto ys = parallel::try_map(pool, xs, f);
    return ys.size() == 40 && ys[39].has_value() && ys[39]->value() == 40;
  });
  at_every_allocation<Pool>("nested maps", [&](Pool& pool) {
    const auto rows = parallel::map(pool, xs, [&](int) { return parallel::map(pool, xs, f); });
    return rows.size() == 40 && right(rows[39]);
  });
  at_every_allocation<Pool>("imap", [&](Pool& pool) {
    int sum = 0;
    for (const counted& y : parallel::imap(pool, xs, f))
      sum += y.value();
    return sum == 820;
  });
  at_every_allocation<Pool>("imap_unordered", [&](Pool& pool) {
    int sum = 0;
    for (const counted& y : parallel::imap_unordered(pool, xs, f))
      sum += y.value();
    return sum == 820;
  });
  at_every_allocation<Pool>("map_async", [&](Pool& pool) {
    return right(parallel::map_async(pool, std::vector<int>(xs), f).get());
  });
  at_every_allocation<Pool>("submit", [&](Pool& pool) {
    auto first = pool.submit([] { return counted(1); });
    auto second = pool.submit([] { return counted(2); });
    return first.get().value() + second.get().value() == 3;
  });
  at_every_allocation<Pool>("tasks that submit and wait", [&](Pool& pool) {
    return pool.submit([&] {
                 auto inner = pool.submit([] { return counted(2); });
                 return pool.get(std::move(inner)).value();
               })
               .get() == 2;
  });
  at_every_allocation<Pool>("a pool that is made", [&](Pool&) {
    Pool own = made<Pool>();
    return right(parallel::map(own, xs, f));
  });
  at_every_allocation<Pool>("tasks that submit to two pools and wait", [&](Pool& pool) {
    parallel::io_pool other({.max_threads = 1});
    return pool.submit([&] {
                 auto here = pool.submit([] { return counted(1); });
                 auto there = other.submit([] { return counted(2); });
                 return pool.get(std::move(here)).value() + other.get(std::move(there)).value();
               })
               .get() == 3;
  });
  at_every_allocation<Pool>("as_completed", [&](Pool& pool) {
    std::vector<std::future<counted>> results;
    for (int i = 0; i < 3; ++i)
      results.push_back(pool.submit([i] { return counted(i); }));
    int sum = 0;
    for (auto&& [index, result] : parallel::as_completed(pool, results))
      sum += result.get().value();
    return sum == 3;
  });
}

} // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const memory = is_refused() ? nullptr : std::malloc(size);
  if (memory == nullptr)
    throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  void* const memory =
      is_refused() ? nullptr : std::aligned_alloc(align, (size + align - 1) / align * align);
  if (memory == nullptr)
    throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

int main() {
  all_calls<parallel::thread_pool>("thread_pool");
  at_every_allocation<parallel::thread_pool>("map_reduce", [](parallel::thread_pool& pool) {
    static const std::vector<int> xs = numbers();
    return parallel::map_reduce(
               pool, xs, [](int x) { return counted(x); }, counted(0),
               [](const counted& a, const counted& b) { return counted(a.value() + b.value()); })
               .value() == 780;
  });
  at_every_allocation<parallel::thread_pool>("filter", [](parallel::thread_pool& pool) {
    static const std::vector<int> xs = numbers();
    return parallel::filter(pool, xs, [](int x) { return x % 2 == 0; }).size() == 20;
  });
  all_calls<parallel::io_pool>("io_pool");
  std::puts(failures == 0 ? "passed" : "failed");
  return failures == 0 ? 0 : 1;
}
