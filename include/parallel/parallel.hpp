// The whole library in one include. Each public header can also be included by itself: a program
// that only maps needs <parallel/map.hpp>, which takes less time to compile.
#pragma once

#include <parallel/as_completed.hpp>
#include <parallel/blocking.hpp>
#include <parallel/errors.hpp>
#include <parallel/executor.hpp>
#include <parallel/filter.hpp>
#include <parallel/imap.hpp>
#include <parallel/io_map_options.hpp>
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/map_async.hpp>
#include <parallel/map_reduce.hpp>
#include <parallel/options.hpp>
#include <parallel/outcome.hpp>
#include <parallel/pool_options.hpp>
#include <parallel/progress.hpp>
#include <parallel/random.hpp>
#include <parallel/serial.hpp>
#include <parallel/stats.hpp>
#include <parallel/thread_pool.hpp>

/// The whole library.
///
/// - Functions over ranges: map(), map_into(), for_each(), try_map(), filter(), map_reduce(),
///   map_async(), imap(), imap_unordered().
/// - What they run on: thread_pool for work that computes, io_pool for calls that block, `serial`
///   for debugging.
/// - Their options: map_options, io_map_options, imap_options.
/// - Single tasks: submit() and get() of a pool, as_completed(), blocking().
/// - What the pools have done: stats().
namespace parallel {}
