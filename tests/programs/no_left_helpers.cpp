// A map on an io_pool leaves nothing in the queue when it has ended, although no thread ever ran
// its helper tasks: what they kept alive is gone. The program counts its own allocations.
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <latch>
#include <new>
#include <vector>

namespace {
std::atomic<std::size_t> alive{0};
} // namespace

// Not inlined: GCC would see a malloc() meet an operator delete, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr)
    throw std::bad_alloc();
  ++alive;
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (memory != nullptr)
    --alive;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  operator delete(memory);
}

int main() {
  parallel::io_pool io({.max_threads = 1});
  std::latch begun(1);
  std::latch held(1);
  std::future<void> busy = io.submit([&] {
    begun.count_down();
    held.wait();
  });
  begun.wait();
  const std::vector<int> xs(4);
  const std::size_t before = alive;
  for (int round = 0; round < 1'000; ++round)
    parallel::for_each(io, xs, [](int) {}, {.in_flight = 4}); // only the caller runs it
  const std::size_t after = alive;
  held.count_down();
  busy.get();
  std::printf("%zu allocations alive before, %zu after\n", before, after);
  return after <= before + 2 ? 0 : 1; // the queue may have allocated memory of its own
}
