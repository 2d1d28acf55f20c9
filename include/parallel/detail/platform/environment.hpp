// Reads environment variables, unless the user who set them must not be trusted.
//
// Linux knows when a program has more rights than its caller (setuid, file capabilities), and
// secure_getenv() then reports no variables. Other systems are not asked.
#pragma once

#include <parallel/detail/platform/config.hpp>

#include <cstdlib>

namespace parallel::detail {

/// The value of an environment variable; null if it is not set, or if the program has more rights
/// than the user who started it.
inline const char* trusted_environment(const char* name) noexcept {
#if PARALLEL_DETAIL_LINUX
  return secure_getenv(name);
#else
  return std::getenv(name);
#endif
}

} // namespace parallel::detail
