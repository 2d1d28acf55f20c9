// What threads meet through: atomics, mutexes, and variables that each thread has to itself.
//
// Part of the platform room, and here the same on every system: those of the standard library. They
// have names of their own because the tests put others in their place, with a folder of theirs that
// is searched before this one: a model checker's (tests/model), and slow ones (tests/stress).
// Entered from all over detail/; a condition variable is in waiting.hpp.
#pragma once

#include <atomic>
#include <mutex>

namespace parallel::detail {

template <class T>
using atomic = std::atomic<T>;

using mutex = std::mutex;

/// For what is declared thread_local.
template <class T>
using per_thread = T;

} // namespace parallel::detail
