// Fresh memory: pages that the system has promised but not yet provided.
//
// The first touch of each page costs a trap into the system, which must find a page and fill it
// with zeros: for a large result that takes longer than to compute it. Asked for many pages at
// once, and for huge ones, the system is several times quicker; and many threads can ask. Part of
// the platform room: only Linux is asked, and not with PARALLEL_PORTABLE defined. Entered from
// pool.hpp.
#pragma once

#include <parallel/detail/platform/config.hpp>

#include <cstddef>
#include <cstdint>

#if PARALLEL_DETAIL_LINUX
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace parallel::detail {

/// The whole pages of a piece of memory that has not been used yet, in parts that can be faulted
/// in side by side.
class fresh_pages {
 public:
  /// Results of fewer bytes are left alone.
  static constexpr std::size_t least_bytes = std::size_t{1} << 20;

#if PARALLEL_DETAIL_LINUX
  /// The pages of [memory, memory + bytes), which must be allocated; asks for huge ones where they
  /// fit. None, when the one in the middle is there already: the memory has been used before.
  fresh_pages(void* memory, std::size_t bytes) noexcept {
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    begin_ = (address + page - 1) / page * page;
    end_ = (address + bytes) / page * page;
    if (end_ < begin_ + least_bytes / 2 ||
        !is_missing((begin_ + (end_ - begin_) / 2) / page * page, page)) {
      end_ = begin_;
      return;
    }
    if (end_ - begin_ >= part_bytes) // a shorter piece may hold no huge page at all
      madvise(reinterpret_cast<void*>(begin_), end_ - begin_, MADV_HUGEPAGE);
  }

  /// How many parts there are, each of 4 MiB at most.
  [[nodiscard]] std::size_t parts() const noexcept {
    return begin_ == end_ ? 0 : (end_ - 1) / part_bytes - begin_ / part_bytes + 1;
  }

  /// Has the system provide the pages of one part. Where it cannot, the first touch will. Parts may
  /// be faulted in at the same time.
  void fault_in(std::size_t part) const noexcept {
    // Cut at multiples of their size, so that no two parts share a huge page.
    const std::uintptr_t first = begin_ / part_bytes;
    const std::uintptr_t from = part == 0 ? begin_ : (first + part) * part_bytes;
    const std::uintptr_t to = part + 1 == parts() ? end_ : (first + part + 1) * part_bytes;
    constexpr int populate_write = 23; // MADV_POPULATE_WRITE, since Linux 5.14
    madvise(reinterpret_cast<void*>(from), to - from, populate_write);
  }

 private:
  static constexpr std::size_t part_bytes = std::size_t{4} << 20;

  /// False too where that cannot be told.
  [[nodiscard]] static bool is_missing(std::uintptr_t page, std::size_t size) noexcept {
    unsigned char there = 0;
    return mincore(reinterpret_cast<void*>(page), size, &there) == 0 && there % 2 == 0;
  }

  std::uintptr_t begin_ = 0;
  std::uintptr_t end_ = 0;
#else
  fresh_pages(void*, std::size_t) noexcept {}
  [[nodiscard]] static std::size_t parts() noexcept {
    return 0;
  }
  static void fault_in(std::size_t) noexcept {}
#endif
};

} // namespace parallel::detail
