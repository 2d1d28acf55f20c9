// The model checker, and how a model is run: Relacy executes a test's threads one at a time, in
// every order it can think of, and lets each load see any value that the memory model allows.
//
// The models run the library's own headers. Only the platform room is another one, the folder
// beside this file, which is searched first: its atomics, mutexes and threads are Relacy's. Entered
// from the models. The environment variable PARALLEL_MODEL_SCHEDULES says how many schedules at
// random each model has instead of its own number, for a longer run by hand.
#pragma once

// What Relacy's macros would break, first.
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <relacy/relacy.hpp>

// Relacy redefines words that the library uses.
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <source_location>
#include <streambuf>

namespace model {

inline rl::debug_info at(const std::source_location& where) {
  return {where.function_name(), where.file_name(), where.line()};
}

/// Fails the schedule under way unless `right`.
inline void require(bool right, const char* what,
                    const std::source_location& where = std::source_location::current()) {
  if (!right)
    rl::ctx().fail_test(what, rl::test_result_user_assert_failed, at(where));
}

/// The number of the calling thread.
inline std::size_t this_thread() {
  return rl::ctx().threadx_->index_;
}

/// Changes with each schedule, of whichever model: what is older is of another one.
inline unsigned schedule = 0;

/// In every other schedule: they would mend what a lost wake breaks.
inline bool wakes_may_be_spurious = true;

/// A thread that is made may turn out not to be had, once in so many times; 0: always had.
inline unsigned threads_fail_one_in = 0;

/// Base of a model of `Threads` threads, and up to `Made` that they make themselves.
template <class Model, std::size_t Threads, std::size_t Made = 0>
struct test : rl::test_suite<Model, Threads> {
  static rl::thread_id_t const dynamic_thread_count = Made;

  test() {
    ++schedule;
    wakes_may_be_spurious = rl::rand(2) == 0;
  }
};

/// What Relacy says, which is of interest if something goes wrong. It allocates nothing, as
/// Relacy's operator new has two minds.
class report : public std::streambuf {
 public:
  report() { setp(text_, text_ + sizeof text_ - 1); }
  [[nodiscard]] const char* text() {
    *pptr() = '\0';
    return text_;
  }

 private:
  char text_[1 << 18];
};

struct limits {
  unsigned random = 100'000;  // schedules
  unsigned context_bound = 0; // 0: random ones only; else all with so many preemptions
  unsigned longest = 10'000;  // operations in a schedule; more is a livelock
};

/// How many schedules at random: what the environment says, or else what the model says.
inline unsigned schedules_at_random(unsigned otherwise) {
  const char* const asked = std::getenv("PARALLEL_MODEL_SCHEDULES");
  return asked != nullptr ? static_cast<unsigned>(std::strtoul(asked, nullptr, 10)) : otherwise;
}

/// Runs a model and says how many schedules there were; false if one of them went wrong, which is
/// then printed.
template <class Model>
bool passes(const char* name, const limits& wanted) {
  const auto run = [&](rl::scheduler_type_e way, const char* how) {
    rl::test_params params;
    report said;
    std::ostream stream(&said);
    params.progress_stream = &stream;
    params.output_stream = &stream;
    params.search_type = way;
    params.iteration_count = schedules_at_random(wanted.random);
    params.context_bound = wanted.context_bound;
    params.execution_depth_limit = wanted.longest;
    const unsigned before = schedule;
    const bool passed = rl::simulate<Model>(params);
    if (!passed)
      std::printf("%s\n", said.text());
    std::printf("%s: %u schedules, %s%s\n", name, schedule - before, how, passed ? "" : ": FAILED");
    std::fflush(stdout);
    return passed;
  };
  return run(rl::sched_random, "at random") &&
         (wanted.context_bound == 0 ||
          run(rl::sched_bound, "all that switch threads a few times only"));
}

} // namespace model
