// How often a call allocates: operator new, which counts while it is told to.
//
// This header replaces the program's operator new, so only one source file of a program includes
// it. While it does not count, it costs one predictable branch.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace bench {

inline std::atomic<bool> counting_allocations{false};
inline std::atomic<std::uint64_t> allocations{0};

/// Allocations with operator new of one call of `work`, on average over `calls`, on all threads.
template <class Work>
double allocations_per_call(int calls, const Work& work) {
  allocations = 0;
  counting_allocations = true;
  for (int call = 0; call < calls; ++call)
    work();
  counting_allocations = false;
  return static_cast<double>(allocations.load()) / calls;
}

inline void* counted(void* memory) {
  if (counting_allocations.load(std::memory_order_relaxed)) // relaxed, as below: a statistic
    allocations.fetch_add(1, std::memory_order_relaxed);
  if (memory == nullptr)
    throw std::bad_alloc();
  return memory;
}

} // namespace bench

// Not inlined: GCC would warn of the mismatch between new and free() that it then sees.
[[gnu::noinline]] void* operator new(std::size_t size) {
  return bench::counted(std::malloc(size == 0 ? 1 : size));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto line = static_cast<std::size_t>(alignment);
  return bench::counted(std::aligned_alloc(line, (size + line - 1) / line * line));
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
