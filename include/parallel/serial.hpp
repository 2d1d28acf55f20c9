// An executor without threads: every call is the plain loop on the calling thread.
//
// For debugging: map and its family with the options and exceptions that they have on a pool, one
// element after another.
#pragma once

#include <parallel/detail/loop_body.hpp>
#include <parallel/detail/task_queue.hpp>
#include <parallel/options.hpp>

#include <cstddef>

namespace parallel {

/// Runs the elements in order on the calling thread; `grain` changes nothing. Any number of threads
/// may use it at once.
class serial_executor {
 public:
  using call_options = map_options;

  /// What an executor provides to algorithms; see the concept `executor`.
  template <class Body>
  friend void run_loop(serial_executor&, std::size_t n, const map_options& options,
                       const Body& body) {
    const detail::controller controller = detail::controller_of(options);
    if (controller == nullptr)
      return body(0, n);
    const auto run = [n](const detail::loop_body& controlled) { controlled(0, n); };
    controller(detail::request_of(options), n, detail::loop_body(body), detail::loop_runner(run));
  }

  /// Likewise: nobody computes ahead.
  friend bool run_later(serial_executor&, detail::queued_task&) noexcept { return false; }
  friend std::size_t most_helpers(const serial_executor&) noexcept { return 0; }
};

/// parallel::map(parallel::serial, xs, f).
inline constinit serial_executor serial;

} // namespace parallel
