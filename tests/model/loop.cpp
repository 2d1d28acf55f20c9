// The loop (loop/loop.hpp, loop/range_slot.hpp): each grain is run once, however the threads
// steal from each other. Of several failures the lowest is kept, the grains below it run, and those
// above it may be dropped. Once the body has ended the loop, all that has not started may
// be dropped.
#include "relacy.hpp"

#include <parallel/detail/loop/loop.hpp>

#include <cstddef>
#include <exception>

using parallel::detail::loop;
using parallel::detail::loop_body;
using parallel::detail::loop_counts;

namespace {

/// `Threads` participants share `Grains` grains. Each has a slot from the start, and there may be
/// more slots, which no thread takes. `Model` has the body.
template <class Model, std::size_t Threads, std::size_t Grains, std::size_t Slots = Threads>
struct shared_loop : model::test<Model, Threads> {
  void before() {
    for (rl::var<int>& each : runs)
      each($) = 0;
    work.prepare(loop_body(static_cast<Model&>(*this)), 0, Grains, 1, nullptr, Slots, nullptr);
  }
  void thread(unsigned number) {
    if (number == 0) {
      work.participate();
    } else {
      loop_counts own;
      work.help(number, own);
    }
  }
  void run(std::size_t i) const { runs[i]($) = runs[i]($) + 1; }

  mutable rl::var<int> runs[Grains]; // as is all that a body changes
  loop work{Slots};
};

template <std::size_t Threads, std::size_t Grains, std::size_t Slots = Threads>
struct each_grain_once
    : shared_loop<each_grain_once<Threads, Grains, Slots>, Threads, Grains, Slots> {
  void operator()(std::size_t begin, std::size_t end) const {
    begun += end - begin;
    for (std::size_t i = begin; i < end; ++i)
      this->run(i);
  }
  void thread(unsigned number) {
    each_grain_once::shared_loop::thread(number);
    // Nothing is left that could be started: each other thread runs one grain at most.
    ++gone;
    model::require(Grains - begun <= Threads - gone, "a thread has left too early");
  }
  void after() {
    for (rl::var<int>& each : this->runs)
      model::require(each($) == 1, "a grain was not run once");
  }

  mutable std::size_t begun = 0;
  std::size_t gone = 0;
};

/// The same, but the last thread is a compensating worker, without a slot. `Model` says what
/// running an element does.
template <std::size_t Threads, std::size_t Grains, std::size_t Slots, class Model>
struct with_compensation : model::test<Model, Threads> {
  void before() {
    for (rl::var<int>& each : runs)
      each($) = 0;
    work.prepare(loop_body(*this), 0, Grains, 1, nullptr, Slots, nullptr);
  }
  void operator()(std::size_t begin, std::size_t end) const {
    begun += end - begin;
    for (std::size_t i = begin; i < end; ++i)
      static_cast<const Model&>(*this).run(i);
  }
  void thread(unsigned number) {
    loop_counts own;
    if (number == 0)
      work.participate();
    else if (number < Threads - 1)
      work.help(number, own);
    else
      compensate(own);
    ++gone;
    static_cast<const Model&>(*this).check_left();
  }
  void compensate(loop_counts& own) {
    const bool nothing_left = work.help_without_slot(own, [] { return true; });
    model::require(nothing_left, "a compensating worker has given up");
  }

  mutable rl::var<int> runs[Grains];
  mutable std::size_t begun = 0;
  std::size_t gone = 0;
  loop work{Slots};
};

template <std::size_t Threads, std::size_t Grains, std::size_t Slots>
struct each_grain_once_with_compensation
    : with_compensation<Threads, Grains, Slots,
                        each_grain_once_with_compensation<Threads, Grains, Slots>> {
  void run(std::size_t i) const { this->runs[i]($) = this->runs[i]($) + 1; }
  void check_left() const {
    model::require(Grains - this->begun <= Threads - this->gone, "a thread has left too early");
  }
  void after() {
    for (rl::var<int>& each : this->runs)
      model::require(each($) == 1, "a grain was not run once");
  }
};

/// The elements `First` and `Second` throw their numbers.
template <std::size_t Threads, std::size_t Grains, std::size_t First, std::size_t Second>
struct lowest_failure
    : shared_loop<lowest_failure<Threads, Grains, First, Second>, Threads, Grains> {
  void operator()(std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      this->run(i);
      if (i == First || i == Second)
        throw i;
    }
  }
  void after() {
    for (std::size_t i = 0; i < Grains; ++i)
      model::require(i <= First ? this->runs[i]($) == 1 : this->runs[i]($) <= 1,
                     "a grain below the failure was not run once, or one above it twice");
    try {
      std::rethrow_exception(this->work.take_error());
    } catch (std::size_t lowest) {
      model::require(lowest == First, "the exception is not the lowest one's");
    }
  }
};

/// The elements `First` and `Second` throw their numbers; the last thread is a compensating worker.
/// There may be more slots than threads.
template <std::size_t Threads, std::size_t Grains, std::size_t Slots, std::size_t First,
          std::size_t Second>
struct failure_with_compensation
    : with_compensation<Threads, Grains, Slots,
                        failure_with_compensation<Threads, Grains, Slots, First, Second>> {
  void run(std::size_t i) const {
    this->runs[i]($) = this->runs[i]($) + 1;
    if (i == First || i == Second)
      throw i;
  }
  void check_left() const {} // what is left need not start
  void after() {
    for (std::size_t i = 0; i < Grains; ++i)
      model::require(i <= First ? this->runs[i]($) == 1 : this->runs[i]($) <= 1,
                     "a grain below the failure was not run once, or one above it twice");
    try {
      std::rethrow_exception(this->work.take_error());
    } catch (std::size_t lowest) {
      model::require(lowest == First, "the exception is not the lowest one's");
    }
  }
};

/// The body ends the loop at the element `Last`; `Fails` throws, if it is started.
template <std::size_t Threads, std::size_t Grains, std::size_t Last, std::size_t Fails = Grains>
struct ended_loop : shared_loop<ended_loop<Threads, Grains, Last, Fails>, Threads, Grains> {
  bool operator()(std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      this->run(i);
      if (i == Fails)
        throw i;
      if (i == Last)
        return false;
    }
    return true;
  }
  void after() {
    for (rl::var<int>& each : this->runs)
      model::require(each($) <= 1, "a grain was run twice");
    const bool failed = Fails < Grains && this->runs[Fails < Grains ? Fails : 0]($) == 1;
    model::require(failed || this->runs[Last]($) == 1, "the loop has ended by itself");
    model::require(this->work.was_ended(), "the loop has forgotten that it was ended");
    model::require((this->work.take_error() != nullptr) == failed,
                   "the exception of an element that has run is not there");
    model::require(!this->work.was_ended(), "the next loop is ended already");
  }
};

} // namespace

int main() {
  bool all = true;
  all &= model::passes<each_grain_once<2, 4>>(
      "two threads run each of 4 grains once, and leave when none is left", {});
  all &= model::passes<each_grain_once<3, 4>>("three threads, 4 grains", {});
  all &= model::passes<each_grain_once<3, 7>>("three threads, 7 grains", {.random = 1'000'000});
  all &= model::passes<each_grain_once<4, 5>>("four threads, 5 grains", {.random = 1'000'000});
  all &= model::passes<each_grain_once<2, 8, 3>>("two threads and a slot that no thread takes",
                                                 {.random = 1'000'000});
  all &= model::passes<each_grain_once<3, 8, 4>>("three threads and a slot that no thread takes",
                                                 {.random = 1'000'000});
  all &= model::passes<each_grain_once_with_compensation<2, 7, 2>>(
      "a thread and a compensating worker, two slots", {.random = 1'000'000});
  all &= model::passes<each_grain_once_with_compensation<3, 5, 2>>(
      "two threads and a compensating worker", {.random = 1'000'000});
  all &=
      model::passes<lowest_failure<2, 4, 1, 3>>("two threads keep the lowest of two failures", {});
  all &= model::passes<lowest_failure<3, 5, 2, 4>>("three threads keep the lowest of two failures",
                                                   {});
  all &= model::passes<lowest_failure<2, 4, 3, 4>>(
      "two threads run all that is below a failure of the last grain, with which one begins", {});
  all &= model::passes<lowest_failure<3, 9, 3, 5>>(
      "three threads drop what is above a failure in the middle, and run what is below",
      {.random = 1'000'000});
  all &= model::passes<lowest_failure<3, 9, 5, 6>>(
      "three threads, a failure in the second share and the last", {.random = 1'000'000});
  all &= model::passes<failure_with_compensation<2, 8, 3, 3, 6>>(
      "a thread and a compensating worker drop what is above a failure in the middle",
      {.random = 1'000'000});
  all &= model::passes<failure_with_compensation<3, 8, 3, 2, 4>>(
      "two threads and a compensating worker drop what is above a failure in the middle",
      {.random = 1'000'000});
  all &= model::passes<ended_loop<2, 6, 2>>("the body ends the loop of two threads", {});
  all &= model::passes<ended_loop<3, 9, 4>>("the body ends the loop of three threads",
                                            {.random = 1'000'000});
  all &= model::passes<ended_loop<3, 7, 4, 2>>(
      "the body ends the loop of three threads while another element fails", {.random = 1'000'000});
  return all ? 0 : 1;
}
