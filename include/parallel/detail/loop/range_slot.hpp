// The grains that one participant of a loop still has to run, packed into one 64-bit word.
//
// The owner takes grains from either end, thieves steal half of what is left from the back, and any
// thread may drop grains that need not run any more. Each is one compare-and-swap on the word, so
// every grain goes to exactly one thread.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <cstdint>

namespace parallel::detail {

/// A half-open range of grain numbers.
struct grain_range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  [[nodiscard]] constexpr bool empty() const noexcept { return begin == end; }
  [[nodiscard]] constexpr std::uint32_t size() const noexcept { return end - begin; }
  friend constexpr bool operator==(grain_range, grain_range) = default;
};

/// An end of a range.
enum class side { front, back };

/// The word is the whole state, so a compare-and-swap that succeeds is right whatever happened
/// since the word was read: there is no ABA problem to guard against.
///
/// A slot fills a cache line (64 bytes on the machines we know), so that an owner that takes its
/// own grains shares no line with another thread.
class alignas(64) range_slot {
 public:
  /// How many grains are left to take. Once it is 0 it stays 0 until the next put(); any other
  /// number may be stale by the time it is used.
  [[nodiscard]] std::uint32_t size() const noexcept {
    // acquire: pairs with the release in steal() and put(); see loop::steal_into.
    return unpack(word_.load(memory_order_acquire)).size();
  }

  /// Any thread: drops the grains from number `limit` on, so that no thread gets them.
  void trim(std::uint32_t limit) noexcept {
    std::uint64_t word = word_.load(memory_order_relaxed);
    for (;;) {
      const grain_range left = unpack(word);
      if (left.end <= limit || left.empty())
        return;
      const grain_range kept = {left.begin, limit > left.begin ? limit : left.begin};
      // relaxed, both: as in take()
      if (word_.compare_exchange_weak(word, pack(kept), memory_order_relaxed))
        return;
    }
  }

  /// Owner only, and only while the slot is empty: thieves leave an empty slot alone. (Before a
  /// loop is opened, its caller owns every slot.)
  void put(grain_range range) noexcept {
    // release: pairs with the acquire in size().
    word_.store(pack(range), memory_order_release);
  }

  /// Owner only: takes up to `wanted` grains from one end, but at most a quarter of what is left,
  /// so that thieves find something, or `min` grains if that is more. Both are at least 1.
  [[nodiscard]] grain_range take(side from, std::uint32_t wanted, std::uint32_t min) noexcept {
    std::uint64_t word = word_.load(memory_order_relaxed);
    for (;;) {
      const grain_range left = unpack(word);
      if (left.empty())
        return {};
      const std::uint32_t quarter = left.size() / 4;
      const std::uint32_t max = quarter > min ? quarter : min;
      const std::uint32_t count = wanted < max ? wanted : max;
      const cut parts = split(left, from, count < left.size() ? count : left.size());
      // relaxed: only the word itself is contended. As a read-modify-write it continues the
      // release sequence of the put() or steal() before it.
      if (word_.compare_exchange_weak(word, pack(parts.left), memory_order_relaxed))
        return parts.taken;
    }
  }

  /// Any thread: takes the back half of what is left, rounded up so that the last grain can be
  /// stolen too, but at most `max` grains.
  [[nodiscard]] grain_range steal(std::uint32_t max = UINT32_MAX) noexcept {
    std::uint64_t word = word_.load(memory_order_relaxed);
    for (;;) {
      const grain_range left = unpack(word);
      if (left.empty())
        return {};
      const std::uint32_t half = left.size() - left.size() / 2;
      const cut parts = split(left, side::back, half < max ? half : max);
      // release: pairs with the acquire in size(): a thread that sees the grains gone also sees
      // that a steal has begun.
      if (word_.compare_exchange_weak(word, pack(parts.left), memory_order_release,
                                      memory_order_relaxed))
        return parts.taken;
    }
  }

 private:
  struct cut {
    grain_range taken;
    grain_range left;
  };

  /// `count` grains of `whole` from one end, and the rest.
  static constexpr cut split(grain_range whole, side from, std::uint32_t count) noexcept {
    const std::uint32_t middle = from == side::front ? whole.begin + count : whole.end - count;
    const grain_range low = {whole.begin, middle};
    const grain_range high = {middle, whole.end};
    return from == side::front ? cut{low, high} : cut{high, low};
  }

  static constexpr std::uint64_t pack(grain_range range) noexcept {
    return std::uint64_t{range.end} << 32 | range.begin;
  }
  static constexpr grain_range unpack(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
  }

  atomic<std::uint64_t> word_{0};
};

} // namespace parallel::detail
