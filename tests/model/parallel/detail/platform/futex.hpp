// The models' replacement for the header of the same name: sleeping on Relacy's atomics.
#pragma once

#include <parallel/detail/platform/sync.hpp>

#include <cstdint>

namespace parallel::detail {

inline void sleep_on(const atomic<std::uint32_t>& word, std::uint32_t seen) {
  word.sleep_while(seen);
}

inline void wake_one_on(atomic<std::uint32_t>& word) {
  word.wake_one();
}

} // namespace parallel::detail
