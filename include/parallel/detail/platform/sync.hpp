// What threads synchronise with: atomics, mutexes and per-thread variables.
//
// Code by which threads agree uses the names in this header, so that tests can replace them:
// tests/model by those of a model checker, tests/stress by ones with injected delays. Mere counters
// use native_atomic of atomic.hpp, which the tests leave alone. The condition variable has a header
// of its own, condition_variable.hpp, because it takes longer to compile.
#pragma once

#include <parallel/detail/platform/atomic.hpp>
#include <parallel/detail/platform/mutex.hpp>

namespace parallel::detail {

template <class T>
using atomic = native_atomic<T>;

using mutex = native_mutex;

/// The type of a variable that is declared thread_local.
template <class T>
using per_thread = T;

} // namespace parallel::detail
