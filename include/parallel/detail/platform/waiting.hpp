// What threads wait on until another one notifies them: the standard library's condition variable.
//
// Part of the platform room; apart from sync.hpp, whose reasons it shares, as it takes long to
// compile. Entered from the headers of io_pool, and of what is submitted.
#pragma once

#include <condition_variable>

namespace parallel::detail {

using condition_variable = std::condition_variable;

} // namespace parallel::detail
