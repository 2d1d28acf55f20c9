// Which process this is.
//
// Part of the platform room: Linux can tell; everything else, or a build with PARALLEL_PORTABLE
// defined, cannot. Entered from trace_log.hpp.
#pragma once

#include <parallel/detail/platform/has_linux.hpp>

#include <cstdint>

#if PARALLEL_DETAIL_LINUX
#include <unistd.h>
#endif

namespace parallel::detail {

/// The number of this process; 1 where it is not known.
inline std::uint64_t process_id() noexcept {
#if PARALLEL_DETAIL_LINUX
  return static_cast<std::uint64_t>(getpid());
#else
  return 1;
#endif
}

} // namespace parallel::detail
