// The model checker Relacy, and how a model is run.
//
// A model is a small program whose threads Relacy executes one at a time, in many different orders,
// while each load may return any value that the memory model allows. The code under test is the
// library's own headers; only those in the folder parallel/detail/platform beside this file, which
// is searched first, replace the library's: their atomics, mutexes and threads are Relacy's.
//
// The environment variable PARALLEL_MODEL_SCHEDULES sets the number of random schedules for each
// model, for a longer run by hand.
#pragma once

// Included first, because Relacy's macros would break them.
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <relacy/relacy.hpp>

// Relacy defines macros with names that the library uses.
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

/// Fails the current schedule unless `right` is true.
inline void require(bool right, const char* what,
                    const std::source_location& where = std::source_location::current()) {
  if (!right)
    rl::ctx().fail_test(what, rl::test_result_user_assert_failed, at(where));
}

/// The number of the calling thread.
inline std::size_t this_thread() {
  return rl::ctx().threadx_->index_;
}

/// The number of the current schedule, counted over all models. State with an older number is left
/// over from another schedule.
inline unsigned schedule = 0;

/// Whether sleeping threads may wake up without a reason. Set in half of the schedules only,
/// because a spurious wake repairs the damage of a lost one.
inline bool wakes_may_be_spurious = true;

/// One in this many attempts to create a thread fails; 0 means that none fails.
inline unsigned threads_fail_one_in = 0;

/// The base class of a model with `Threads` threads, which may create `Made` more.
template <class Model, std::size_t Threads, std::size_t Made = 0>
struct test : rl::test_suite<Model, Threads> {
  static rl::thread_id_t const dynamic_thread_count = Made;

  test() {
    ++schedule;
    wakes_may_be_spurious = rl::rand(2) == 0;
  }
};

/// Collects Relacy's output, which is printed only if a schedule fails. It does not allocate
/// memory, because Relacy replaces operator new.
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
  unsigned random = 100'000;  // the number of random schedules
  unsigned context_bound = 0; // if not 0, also all schedules with up to this many preemptions
  unsigned longest = 10'000;  // operations in a schedule; a longer one counts as a livelock
};

/// The number of random schedules: from the environment if set there, else `otherwise`.
inline unsigned schedules_at_random(unsigned otherwise) {
  const char* const asked = std::getenv("PARALLEL_MODEL_SCHEDULES");
  return asked != nullptr ? static_cast<unsigned>(std::strtoul(asked, nullptr, 10)) : otherwise;
}

/// Runs a model and prints how many schedules were executed. Returns false if one of them failed,
/// and prints that one.
template <class Model>
bool passes(const char* name, const limits& limit) {
  const auto run = [&](rl::scheduler_type_e search, const char* how) {
    rl::test_params params;
    report said;
    std::ostream stream(&said);
    params.progress_stream = &stream;
    params.output_stream = &stream;
    params.search_type = search;
    params.iteration_count = schedules_at_random(limit.random);
    params.context_bound = limit.context_bound;
    params.execution_depth_limit = limit.longest;
    const unsigned before = schedule;
    const bool passed = rl::simulate<Model>(params);
    if (!passed)
      std::printf("%s\n", said.text());
    std::printf("%s: %u schedules, %s%s\n", name, schedule - before, how, passed ? "" : ": FAILED");
    std::fflush(stdout);
    return passed;
  };
  return run(rl::sched_random, "at random") &&
         (limit.context_bound == 0 || run(rl::sched_bound, "all with few preemptions"));
}

} // namespace model
