// The whole library as a C++20 module: import parallel; in place of the includes.
//
// It includes the headers and exports their public names. With Clang 19's libc++, put the includes
// of the standard library before the import. The README says how to compile the module.
module;
#include <parallel/parallel.hpp>
export module parallel;

export namespace parallel {

// functions
using parallel::as_completed;
using parallel::blocking;
using parallel::filter;
using parallel::for_each;
using parallel::imap;
using parallel::imap_unordered;
using parallel::map;
using parallel::map_async;
using parallel::map_into;
using parallel::map_reduce;
using parallel::stats;
using parallel::try_map;

// executors
using parallel::default_concurrency;
using parallel::default_pool;
using parallel::discard;
using parallel::discard_t;
using parallel::executor;
using parallel::io_pool;
using parallel::serial;
using parallel::serial_executor;
using parallel::task_executor;
using parallel::thread_pool;

// options
using parallel::as_completed_options;
using parallel::backoff_time;
using parallel::idle_time;
using parallel::imap_options;
using parallel::io_map_options;
using parallel::io_pool_options;
using parallel::map_options;
using parallel::progress;
using parallel::progress_bar;
using parallel::progress_bar_options;
using parallel::progress_description;
using parallel::random_engine;
using parallel::start_rate;
using parallel::thread_hook;
using parallel::thread_name;
using parallel::thread_pool_options;

// results and exceptions
using parallel::as_completed_view;
using parallel::completed;
using parallel::deadline_exceeded;
using parallel::error;
using parallel::imap_view;
using parallel::io_pool_stats;
using parallel::outcome;
using parallel::shut_down;
using parallel::stopped;
using parallel::thread_pool_stats;
using parallel::worker_stats;

// names of version 1.0 that are deprecated: a program that uses them is warned, this file is not
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
using parallel::io_options;
using parallel::pool_stats;
#pragma clang diagnostic pop

} // namespace parallel
