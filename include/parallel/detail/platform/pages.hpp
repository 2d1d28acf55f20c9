// Fresh memory: pages that the system has promised but not yet provided.
//
// The first access to each page traps into the kernel, which must find a page and fill it with
// zeros. For a large result this takes longer than to compute the result. The kernel is several
// times quicker if it is asked for many pages at once, and for huge pages; and many threads can ask
// at the same time. Outside Linux nothing is done.
#pragma once

#include <parallel/detail/platform/config.hpp>

#include <cstddef>
#include <cstdint>

#if PARALLEL_DETAIL_LINUX
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace parallel::detail {

/// The whole pages in a piece of memory that has not been used yet, divided into parts. Several
/// threads can each fault in a part at the same time.
class fresh_pages {
 public:
  /// For results of fewer bytes it is not worthwhile.
  static constexpr std::size_t least_bytes = std::size_t{1} << 20;

#if PARALLEL_DETAIL_LINUX
  /// The pages of [memory, memory + bytes), which must be allocated. Asks for huge pages where they
  /// fit. If the page in the middle is present, the memory has been used before, and there are no
  /// fresh pages.
  fresh_pages(void* memory, std::size_t bytes) noexcept {
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    begin_ = (address + page - 1) / page * page;
    end_ = (address + bytes) / page * page;
    if (end_ < begin_ + least_bytes / 2 ||
        !is_absent((begin_ + (end_ - begin_) / 2) / page * page, page)) {
      end_ = begin_;
      return;
    }
    if (end_ - begin_ >= part_bytes) // a shorter piece may contain no huge page
      madvise(reinterpret_cast<void*>(begin_), end_ - begin_, MADV_HUGEPAGE);
  }

  /// The number of parts, each of at most 4 MiB.
  [[nodiscard]] std::size_t parts() const noexcept {
    return begin_ == end_ ? 0 : (end_ - 1) / part_bytes - begin_ / part_bytes + 1;
  }

  /// Makes the system provide the pages of one part. If this fails, they are provided on first
  /// access, as usual. Different threads may fault in different parts at the same time.
  void fault_in(std::size_t part) const noexcept {
    // Parts begin at multiples of their size, so that no two of them share a huge page.
    const std::uintptr_t first = begin_ / part_bytes;
    const std::uintptr_t from = part == 0 ? begin_ : (first + part) * part_bytes;
    const std::uintptr_t to = part + 1 == parts() ? end_ : (first + part + 1) * part_bytes;
    constexpr int populate_write = 23; // MADV_POPULATE_WRITE, since Linux 5.14
    madvise(reinterpret_cast<void*>(from), to - from, populate_write);
  }

 private:
  static constexpr std::size_t part_bytes = std::size_t{4} << 20;

  /// Whether a page is not in memory; false if this is not known.
  [[nodiscard]] static bool is_absent(std::uintptr_t page, std::size_t size) noexcept {
    unsigned char present = 0;
    return mincore(reinterpret_cast<void*>(page), size, &present) == 0 && present % 2 == 0;
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
