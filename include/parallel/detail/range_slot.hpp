// The blocks that one participant of a loop still has to run, packed into one 64-bit word.
//
// Its owner takes blocks from the front, thieves take half of what is left from the back; both by
// compare-and-swap, so every block goes to exactly one of them. Entered from loop.hpp, which gives
// each participant a slot of its own and decides when to steal.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace parallel::detail {

/// A half-open range of block numbers.
struct block_range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  [[nodiscard]] constexpr bool empty() const noexcept { return begin == end; }
  [[nodiscard]] constexpr std::uint32_t size() const noexcept { return end - begin; }
  friend constexpr bool operator==(block_range, block_range) = default;
};

/// The word is the whole state, so a compare-and-swap that succeeds is right whatever happened
/// since the word was read: there is no ABA problem to guard against.
///
/// A slot fills a cache line (64 bytes on the machines we know), so that an owner who takes its
/// own blocks shares no line with anyone.
class alignas(64) range_slot {
 public:
  /// True when nothing is left to take. A false answer may be stale by the time it is used.
  [[nodiscard]] bool empty() const noexcept {
    // acquire: pairs with the release in steal() and put(); see loop::steal_for.
    return unpack(word_.load(std::memory_order_acquire)).empty();
  }

  /// Owner only, and only while the slot is empty: thieves leave an empty slot alone. (Before a
  /// loop is opened, its caller owns every slot.)
  void put(block_range range) noexcept {
    // release: pairs with the acquire in empty().
    word_.store(pack(range), std::memory_order_release);
  }

  /// Owner only: takes up to `wanted` blocks from the front, at most a quarter of what is left (or
  /// `least`, if that is more), so that thieves find something until the very end. Both are at
  /// least 1.
  [[nodiscard]] block_range take(std::uint32_t wanted, std::uint32_t least) noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
      const block_range left = unpack(word);
      if (left.empty())
        return {};
      const std::uint32_t most = std::max(least, left.size() / 4);
      const std::uint32_t middle = left.begin + std::min({wanted, most, left.size()});
      // relaxed: only the word itself is contended. As a read-modify-write it continues the
      // release sequence of the put() or steal() before it.
      if (word_.compare_exchange_weak(word, pack({middle, left.end}), std::memory_order_relaxed))
        return {left.begin, middle};
    }
  }

  /// Owner only: gives up every block that is left.
  void clear() noexcept {
    word_.exchange(0, std::memory_order_relaxed); // relaxed: as in take()
  }

  /// Any thread: takes the back half of what is left, rounded up, so the last block too.
  [[nodiscard]] block_range steal() noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
      const block_range left = unpack(word);
      if (left.empty())
        return {};
      const std::uint32_t middle = left.begin + left.size() / 2;
      // release: pairs with the acquire in empty(); who sees the blocks gone sees that a steal
      // has begun.
      if (word_.compare_exchange_weak(word, pack({left.begin, middle}), std::memory_order_release,
                                      std::memory_order_relaxed))
        return {middle, left.end};
    }
  }

 private:
  static constexpr std::uint64_t pack(block_range range) noexcept {
    return std::uint64_t{range.end} << 32 | range.begin;
  }
  static constexpr block_range unpack(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
  }

  std::atomic<std::uint64_t> word_{0};
};

} // namespace parallel::detail
