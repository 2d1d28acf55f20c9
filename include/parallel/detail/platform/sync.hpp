// What threads meet through: atomics, mutexes, and variables that each thread has to itself.
//
// Part of the platform room, and here the same on every system. They have names of their own
// because the tests put others in their place, with a folder of theirs that is searched before this
// one: a model checker's (tests/model), and slow ones (tests/stress). Entered from all over
// detail/; a condition variable is in platform/condition_variable.hpp.
#pragma once

#include <parallel/detail/platform/atomic.hpp>
#include <parallel/detail/platform/mutex.hpp>

namespace parallel::detail {

template <class T>
using atomic = native_atomic<T>;

using mutex = native_mutex;

/// For what is declared thread_local.
template <class T>
using per_thread = T;

} // namespace parallel::detail
