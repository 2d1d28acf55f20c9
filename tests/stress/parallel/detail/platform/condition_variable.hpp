// What threads wait on, in stress builds: a condition variable for their mutex.
#pragma once

#include <condition_variable>

namespace parallel::detail {

using condition_variable = std::condition_variable_any;

} // namespace parallel::detail
