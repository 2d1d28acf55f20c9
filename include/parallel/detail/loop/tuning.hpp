// The tuning constants of the folder loop/, in one place and grouped by what they decide. (Not
// here: an owner takes at most a quarter of its range, a thief half; see range_slot.hpp.)
//
// They balance what sharing work costs (cache lines that move between cores, wakes, clock readings)
// against what it gains. Each states its unit, what it bounds, and why it has this value where a
// reason is known. "ns" are nanoseconds. Ratios have no unit.
//
// Half and twice of each constant, one at a time, were measured on two processors (AMD EPYC,
// 2026-11-28) with 18 kinds of calls: 10 to 100,000 elements of 0 to 300 multiplications each, five
// uneven shapes, calls within calls, calls after a pause, and a cost that jumps. Where that made a
// difference above the noise, a tenth, a line says so. All other halves and doubles made none
// there.
#pragma once

#include <cstddef>
#include <cstdint>

namespace parallel::detail::tuning {

// ---- When to share a call, and when to wake a worker for it ----

/// ns of work. A call with less runs on the calling thread even if workers are awake.
/// Why: sharing costs 300 to 1,700 ns, and half of the work is what there is to gain.
/// Twice: calls of 3 us take 1.14 to 1.26 times as long.
inline constexpr double min_shared_call_ns = 2'000;

/// Ratio of a call's work to the sharing cost measured at its call site. With less, it stays.
/// Why: from here on two threads gain a twentieth.
/// Twice: calls of 3 us take 1.14 to 1.29 times as long.
inline constexpr double break_even_ratio = 2.2;

/// Ratio of a call's work to the time of a wake. With less, no sleeping worker is woken.
/// Why: by the time that the woken worker comes, the work is as good as done.
inline constexpr double wake_break_even_ratio = 1.25;

/// ns between two calls that lose time because workers sleep. Closer calls add up what they lose;
/// after a longer pause the sum starts from zero.
/// Why: it is less than the time for which a worker looks for work before it sleeps, so a worker
/// that is woken by one such call is awake for the next.
inline constexpr double quick_succession_ns = 50'000;

/// ns of work. While workers are awake, calls that pay are comparison runs frequently below this,
/// and rarely above it. A call with less work wakes no worker while others are awake. Why: where
/// cores are far apart, where two of them are one physical core, or where threads write to the same
/// cache lines, such calls may lose by being shared. Longer calls have little to lose.
inline constexpr double frequent_comparison_ns = 16'000;

/// ns of work. A call with more is never a comparison run, and its sharing cost is not measured.
/// Why: longer calls do not lose by being shared.
inline constexpr double max_comparison_ns = 64'000;

/// Calls at a call site for each series of comparison runs: where they are frequent, and where they
/// are rare. They are rare where there is little to lose, and where sharing would take a wake and
/// gain little.
inline constexpr std::uint64_t frequent_comparison_interval = 128;
inline constexpr std::uint64_t rare_comparison_interval = 1'024;

/// Calls in one series of comparison runs. Only the last one is learnt.
/// Why: the first one has to fetch from another core's cache what the calls before left there.
inline constexpr std::uint32_t comparison_runs = 4;

/// Ratio of the remaining time of a comparison run to the remembered cost of the whole call. Above
/// it the rest is shared.
/// Why: no comparison is worth more.
inline constexpr double max_comparison_ratio = 4;

// ---- How many threads take part ----

/// ns that each further thread costs a loop.
/// Why: it joins and steals through cache lines that the other threads also want, one after
/// another.
inline constexpr double participant_cost_ns = 300;

/// ns of work by one participant before it first checks whether the rest is worth more threads.
inline constexpr double first_review_ns = 20'000;

/// Factor by which the work until the next such check grows.
inline constexpr double review_growth = 4;

/// Ratio of the work done to the work at which the check was due. Above it the check is made at
/// once instead of one chunk later.
/// Why: the system may have had a part in the last chunk, so another one is awaited; but a wake is
/// little beside a chunk that was this long.
inline constexpr double immediate_review_ratio = 16;

/// Ratio of a grain's measured cost to its remembered cost. Below it no threads are added.
inline constexpr double review_cost_ratio = 2;

// ---- Chunk sizes and steals ----

/// ns that a chunk should last once a participant has found its pace.
/// Why: long enough to hide the cost of taking a chunk, short enough that the end of the loop stays
/// balanced.
inline constexpr double chunk_ns = 10'000;

/// ns, about a microsecond, which bounds three things:
/// - the first chunk after a start should last this long, and after a steal chunks grow fourfold up
///   to here, then twofold;
/// - the first segment of a call that stays on its caller counts as quick if it takes no more than
///   this beyond what was expected;
/// - a call runs on its caller for at least this long before its rest may be shared.
inline constexpr double first_chunk_ns = 1'000;

/// ns that the last chunks of a slot should last, when a quarter of what is left is less.
inline constexpr double min_chunk_ns = 400;

/// ns that the probe should last: the very first chunk, where the cost is remembered;
/// first_chunk_ns is for the one after it. Where nothing is remembered, grains that take longer
/// than this are expensive. Why: the elements may cost much more now than remembered.
inline constexpr double probe_ns = 125;

/// Ratio of a measured to the remembered cost of a grain. Up to it, what the probe measured is
/// ignored, and grains are not expensive.
/// Why: the probe also pays for empty caches.
inline constexpr double probe_tolerance = 32;

/// ns of work. Do not probe both ends of a stolen range that should last less.
inline constexpr double min_two_ended_ns = 500;

/// ns of work. A thief leaves a range that should last less to its owner, at first: this much for
/// each slot of the loop, and at least the second figure.
/// Why: a thief looks at every slot and holds up the other thieves. (On 16 processors, 2,000 ns
/// instead of 500 make loops of 20 to 300 us 6 % to 15 % quicker; on two it makes no difference.)
inline constexpr double min_steal_ns_per_slot = 125;
inline constexpr double min_steal_ns = 500;

/// Scans of all slots during which a thief leaves such ranges to their owners. Then it steals them.
/// Why: the owner should have finished a short range by then; if not, one of its elements is
/// expensive.
inline constexpr int deferring_scans = 16;

/// Scans without a find after which a thief yields the processor between scans instead of pausing.
inline constexpr int pausing_scans = 100;

/// Scans without a find after which a thief gives up.
/// Why: the system may have stopped another thief in the middle of a steal. To give up costs
/// parallelism only.
inline constexpr int max_scans = 10'000;

// ---- Clock readings. One costs 10 to 25 ns, and holds up the processor: what comes after it waits
// for what came before, which can cost 60 ns more. ----

/// ns. Chunks that should be shorter are timed together.
/// Why: the cost of a reading.
inline constexpr double min_timed_ns = 900;

/// ns of work. A call that stays on its caller and should last longer runs in segments with a clock
/// reading behind each. A shorter one reads the clock once, behind its first segment, unless that
/// finds its elements expensive.
/// Why: the cost of a reading.
inline constexpr double min_segmented_call_ns = 4'000;

/// Elements. A call of at most this many that is not worth sharing usually does not read the clock,
/// once stable_readings readings in a row have found such calls cheap.
/// Why: behind the first clock reading of such a call little is left to share.
inline constexpr std::size_t few_elements = 16;

/// Calls of few cheap elements for each call that reads the clock.
inline constexpr std::uint64_t few_elements_interval = 8;

/// Calls for each call in which the clock is read at the end, too.
/// Why: elements at the end that have become expensive are found by one of the next calls.
inline constexpr std::uint64_t tail_interval = 32;

/// A call's elements divided by those in its first segment, unless that is for vector instructions.
inline constexpr std::size_t first_segment_divisor = 64;

/// A call's elements divided by those in its longest segment, but for the elements that last
/// first_chunk_ns.
inline constexpr std::size_t longest_segment_divisor = 16;

/// Factor by which segments grow, and elements in the second one if the first was quick.
inline constexpr std::size_t segment_growth = 32;

/// ns. Elements that take less may be part of a loop of vector instructions.
inline constexpr double vectorized_ns = 4;

/// Elements in the first segment of such a loop, and in the whole call from which this applies.
/// Why: the rest should begin at the boundary of a cache line, which matters to such a loop.
inline constexpr std::size_t vectorized_segment = 16;
inline constexpr std::size_t min_vectorized_call = 256;

// ---- Learning: exponential moving averages, and which samples enter them ----

/// Weight of a new sample of an element's cost.
inline constexpr double sample_weight = 1.0 / 2;

/// Weight of a sample that exceeds the average, but by less than a factor of small_increase.
/// Why: some of the time may have been the system's.
inline constexpr double small_increase_weight = 1.0 / 4;
inline constexpr double small_increase = 2;

/// Ratio of the new average to the sample, at the most.
/// Why: an earlier sample may have contained a long interruption by the system.
inline constexpr double max_average_ratio = 2;

/// Weight of a new sample of what sharing costs; and what the average loses each time that a
/// comparison is due while all workers sleep.
inline constexpr double sharing_cost_weight = 1.0 / 8;

/// ns. Shorter samples measure the clock. They are learnt only if they are less than the second
/// figure times what was expected.
inline constexpr double min_sample_ns = 200;
inline constexpr double far_cheaper = 1.0 / 8;

/// ns. A shorter sample from a participant of a shared call is learnt only if it is less than
/// expected, or more than shared_increase times that. A helper's sample is learnt only in the
/// latter case.
/// Why: it contains what sharing costs the elements.
inline constexpr double min_shared_sample_ns = frequent_comparison_ns / 2;
inline constexpr double shared_increase = 2;

/// Ratio of a sample to the expected time. While workers are awake, samples between the expected
/// time and this are not learnt.
/// Why: workers may hold up the caller if they are on its core.
inline constexpr double awake_increase = 2;

/// Ratio of an element's cost in a shared call to its cost in a thread alone, at the most. Above
/// it, the remembered cost for a thread alone must be wrong.
inline constexpr double max_sharing_slowdown = 8;

/// Clock readings in a row that have found the first elements of a call cheap, after which calls of
/// few elements read the clock less often.
/// Why: a larger number, in calls of a microsecond, would never be reached between two
/// interruptions by the system. A smaller one would overlook calls that are expensive once in a
/// while.
inline constexpr std::uint32_t stable_readings = 256;

} // namespace parallel::detail::tuning
