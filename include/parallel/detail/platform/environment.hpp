// What the environment says, unless it comes from somebody who may not be obeyed.
//
// Part of the platform room: Linux knows of a program that has more rights than its caller (setuid,
// file capabilities); everything else, or a build with PARALLEL_PORTABLE defined, does not ask.
// Used by observe/trace_log.hpp.
#pragma once

#include <parallel/detail/platform/config.hpp>

#include <cstdlib>

namespace parallel::detail {

/// The value of an environment variable; null where it is not set, or where the program has more
/// rights than whoever has set it.
inline const char* trusted_environment(const char* name) noexcept {
#if PARALLEL_DETAIL_LINUX
  return secure_getenv(name);
#else
  return std::getenv(name);
#endif
}

} // namespace parallel::detail
