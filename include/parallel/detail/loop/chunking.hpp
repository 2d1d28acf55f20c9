// Chunk sizes: how many grains a participant of a loop takes together.
//
// A basic_chunk_sizer measures its participant's chunks and sizes the next one by their cost: long
// enough to hide the cost of taking a chunk, short enough that the end of the loop stays balanced.
// What is remembered from call to call is only a first guess, which a short probe checks.
#pragma once

#include <parallel/detail/loop/cost_model.hpp>
#include <parallel/detail/loop/tuning.hpp>
#include <parallel/detail/platform/config.hpp>
#include <parallel/detail/platform/sync.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace parallel::detail {

/// The shortest range, in ns, from which a thief steals without waiting first, in a loop of `slots`
/// slots. It takes half of the range.
constexpr double min_steal_ns(std::size_t slots) noexcept {
  const double all = tuning::min_steal_ns_per_slot * static_cast<double>(slots);
  return all > tuning::min_steal_ns ? all : tuning::min_steal_ns;
}

/// The chunk sizes of one participant. The next chunk begins where the last one ended, so one clock
/// reading is enough for each chunk, or for several short ones.
template <class Clock>
class basic_chunk_sizer {
 public:
  /// Starts from what the call site remembers. Without a `model` every chunk is one grain and
  /// nothing is measured: the user has chosen the grain.
  explicit basic_chunk_sizer(const cost_model* model) noexcept
      : is_measured_(model != nullptr),
        ns_per_grain_(model != nullptr ? model->shared_estimate() : 0) {}

  /// How many grains to take next.
  [[nodiscard]] std::uint32_t chunk_size() const noexcept { return chunk_size_; }

  /// How many to take even if that is more than a quarter of what is left.
  [[nodiscard]] std::uint32_t min_chunk_size() const noexcept {
    return ns_per_grain_ > 0 ? grains_lasting(tuning::min_chunk_ns) : 1;
  }

  /// The shortest range, in grains, that is worth stealing without waiting first, from a loop of
  /// `slots` slots and if its grains cost what the last ones cost.
  [[nodiscard]] std::uint32_t min_steal_size(std::size_t slots) const noexcept {
    return ns_per_grain_ > 0 ? grains_lasting(min_steal_ns(slots)) : 1;
  }

  /// Call it before the first chunk.
  void start() noexcept {
    if (!is_measured_)
      return;
    remembered_ns_ = ns_per_grain_;
    is_probe_ = remembered_ns_ > 0;
    if (is_probe_)
      chunk_size_ = grains_lasting(tuning::probe_ns);
    last_reading_ = Clock::now();
  }

  /// Call it after a steal. The time of the steal is charged to no chunk, and the cost of the
  /// stolen grains is unknown.
  void restart_after_steal() noexcept {
    if (!is_measured_)
      return;
    is_probe_ = false;
    is_stolen_ = true;
    ns_per_grain_ = 0;
    chunk_size_ = 1;
    untimed_grains_ = 0;
    last_reading_ = Clock::now();
  }

  /// Whether to probe both ends of a stolen range.
  [[nodiscard]] bool should_probe_both_ends(std::uint32_t grains) const noexcept {
    return remembered_ns_ == 0 ||
           remembered_ns_ * static_cast<double>(grains) > tuning::min_two_ended_ns;
  }

  /// Call it when the next chunk comes from the other end of the range. The two ends of a stolen
  /// range may cost very different amounts, so the size starts again from one grain.
  void change_end() noexcept {
    if (!is_stolen_)
      return;
    ns_per_grain_ = 0;
    chunk_size_ = 1;
  }

  /// Notes that a chunk of `grains` has just ended. Chunks shrink at once when elements are
  /// expensive. When elements are cheap, chunks grow at most fourfold up to a microsecond (at once
  /// after a probe that confirms what is remembered), then twofold.
  void chunk_done(std::uint32_t grains) noexcept {
    if (!is_measured_)
      return;
    untimed_grains_ += grains;
    if (std::exchange(is_probe_, false) && !learn_from_probe()) {
      chunk_size_ = grains_lasting(tuning::first_chunk_ns);
      return;
    }
    std::uint32_t grown = chunk_size_;
    if (ns_per_grain_ == 0 ||
        static_cast<double>(untimed_grains_) * ns_per_grain_ >= tuning::min_timed_ns) {
      time_chunks();
      grown = 2 * chunk_size_;
    }
    const std::uint32_t first = smaller(4 * chunk_size_, grains_lasting(tuning::first_chunk_ns));
    chunk_size_ = smaller(grown > first ? grown : first, grains_lasting(tuning::chunk_ns));
  }

  /// Whether the last grains cost many times what is remembered; or, if nothing is remembered, each
  /// took longer than a probe should. Never if the user has chosen the grain: chunks do not grow
  /// then.
  [[nodiscard]] bool is_expensive() const noexcept {
    return ns_per_grain_ >
           (remembered_ns_ > 0 ? tuning::probe_tolerance * remembered_ns_ : tuning::probe_ns);
  }

  /// The cost of a grain: the mean or the cost of the last ones, whichever is less, as some of the
  /// time may have been the system's. Only after a chunk has been timed.
  [[nodiscard]] double ns_per_grain() const noexcept {
    const double mean = total_ns_ / static_cast<double>(total_grains_);
    return ns_per_grain_ > 0 && ns_per_grain_ < mean ? ns_per_grain_ : mean;
  }

  /// What was timed so far.
  [[nodiscard]] double total_ns() const noexcept { return total_ns_; }
  [[nodiscard]] std::size_t total_grains() const noexcept { return total_grains_; }

 private:
  /// Times the probe. False if it confirms what is remembered, which then stays.
  [[nodiscard]] bool learn_from_probe() noexcept {
    const double remembered = ns_per_grain_;
    time_chunks();
    if (ns_per_grain_ > tuning::probe_tolerance * remembered)
      return true;
    ns_per_grain_ = remembered;
    return false;
  }

  /// Reads the clock and charges the time to the chunks since the last reading.
  PARALLEL_DETAIL_COMPACT void time_chunks() noexcept {
    const std::uint64_t now = Clock::now();
    const double measured = Clock::ns_between(last_reading_, now);
    const double ns = measured < 1 ? 1 : measured; // not 0, which stands for unknown
    last_reading_ = now;
    total_ns_ += ns;
    total_grains_ += untimed_grains_;
    ns_per_grain_ = ns / static_cast<double>(untimed_grains_);
    untimed_grains_ = 0;
  }

  static constexpr std::uint32_t smaller(std::uint32_t a, std::uint32_t b) noexcept {
    return a < b ? a : b;
  }

  /// Grains that are expected to last `ns`; at least 1.
  [[nodiscard]] PARALLEL_DETAIL_COMPACT std::uint32_t grains_lasting(double ns) const noexcept {
    const double grains = ns / ns_per_grain_;
    return grains < 1 ? 1 : grains > 1e9 ? 1'000'000'000 : static_cast<std::uint32_t>(grains);
  }

  bool is_measured_;
  bool is_probe_ = false;    // the next chunk
  bool is_stolen_ = false;   // the range
  double ns_per_grain_;      // of the last ones; 0 when unknown
  double remembered_ns_ = 0; // per grain, by the call site
  std::uint32_t chunk_size_ = 1;
  std::uint64_t last_reading_ = 0;
  std::size_t untimed_grains_ = 0; // run since then
  double total_ns_ = 0;
  std::size_t total_grains_ = 0;
};

} // namespace parallel::detail
