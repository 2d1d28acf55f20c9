// The stress builds' replacement for the library's header of the same name: a condition variable
// that works with their mutex.
#pragma once

#include <condition_variable>

namespace parallel::detail {

using condition_variable = std::condition_variable_any;

} // namespace parallel::detail
