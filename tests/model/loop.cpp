// The loop (loop.hpp, range_slot.hpp): each block is run by one thread, once, whoever steals from
// whom; and of several failures the lowest is kept.
#include "relacy.hpp"

#include <parallel/detail/loop.hpp>

#include <cstddef>
#include <exception>

using parallel::detail::loop;
using parallel::detail::loop_body;
using parallel::detail::loop_counts;

namespace {

/// `Threads` participants share `Blocks` blocks; all have seats from the start, and there may be
/// more seats, for which nobody comes. `Model` has the body.
template <class Model, std::size_t Threads, std::size_t Blocks, std::size_t Seats = Threads>
struct shared_loop : model::test<Model, Threads> {
  void before() {
    for (rl::var<int>& each : runs)
      each($) = 0;
    work.prepare(loop_body(static_cast<Model&>(*this)), 0, Blocks, 1, nullptr, Seats, nullptr);
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

  mutable rl::var<int> runs[Blocks]; // as is all that a body changes
  loop work{Seats};
};

template <std::size_t Threads, std::size_t Blocks, std::size_t Seats = Threads>
struct each_block_once
    : shared_loop<each_block_once<Threads, Blocks, Seats>, Threads, Blocks, Seats> {
  void operator()(std::size_t begin, std::size_t end) const {
    begun += end - begin;
    for (std::size_t i = begin; i < end; ++i)
      this->run(i);
  }
  void thread(unsigned number) {
    each_block_once::shared_loop::thread(number);
    // Nothing is left that could be started: each of the others has one block in its hands at most.
    ++gone;
    model::require(Blocks - begun <= Threads - gone, "a thread has left too early");
  }
  void after() {
    for (rl::var<int>& each : this->runs)
      model::require(each($) == 1, "a block was not run once");
  }

  mutable std::size_t begun = 0;
  std::size_t gone = 0;
};

/// Likewise, the last of the threads without a seat.
template <std::size_t Threads, std::size_t Blocks, std::size_t Seats>
struct with_a_stand_in : model::test<with_a_stand_in<Threads, Blocks, Seats>, Threads> {
  void before() {
    for (rl::var<int>& each : runs)
      each($) = 0;
    work.prepare(loop_body(*this), 0, Blocks, 1, nullptr, Seats, nullptr);
  }
  void operator()(std::size_t begin, std::size_t end) const {
    begun += end - begin;
    for (std::size_t i = begin; i < end; ++i)
      runs[i]($) = runs[i]($) + 1;
  }
  void thread(unsigned number) {
    loop_counts own;
    if (number == 0)
      work.participate();
    else if (number < Threads - 1)
      work.help(number, own);
    else
      stand_in(own);
    ++gone;
    model::require(Blocks - begun <= Threads - gone, "a thread has left too early");
  }
  void stand_in(loop_counts& own) {
    const bool nothing_left = work.stand_in(own, [] { return true; });
    model::require(nothing_left, "a stand-in has given up");
  }
  void after() {
    for (rl::var<int>& each : runs)
      model::require(each($) == 1, "a block was not run once");
  }

  mutable rl::var<int> runs[Blocks];
  mutable std::size_t begun = 0;
  std::size_t gone = 0;
  loop work{Seats};
};

/// The elements `First` and `Second` throw their numbers.
template <std::size_t Threads, std::size_t Blocks, std::size_t First, std::size_t Second>
struct lowest_failure
    : shared_loop<lowest_failure<Threads, Blocks, First, Second>, Threads, Blocks> {
  void operator()(std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      this->run(i);
      if (i == First || i == Second)
        throw i;
    }
  }
  void after() {
    for (std::size_t i = 0; i < Blocks; ++i)
      model::require(i <= First ? this->runs[i]($) == 1 : this->runs[i]($) <= 1,
                     "a block below the failure was not run once, or one above it twice");
    try {
      std::rethrow_exception(this->work.take_error());
    } catch (std::size_t lowest) {
      model::require(lowest == First, "the exception is not the lowest one's");
    }
  }
};

} // namespace

int main() {
  bool all = true;
  all &= model::passes<each_block_once<2, 4>>(
      "two threads run each of 4 blocks once, and leave when none is left", {});
  all &= model::passes<each_block_once<3, 4>>("three threads, 4 blocks", {});
  all &= model::passes<each_block_once<3, 7>>("three threads, 7 blocks", {.random = 1'000'000});
  all &= model::passes<each_block_once<4, 5>>("four threads, 5 blocks", {.random = 1'000'000});
  all &= model::passes<each_block_once<2, 8, 3>>("two threads and a seat for which nobody comes",
                                                 {.random = 1'000'000});
  all &= model::passes<each_block_once<3, 8, 4>>("likewise, three threads", {.random = 1'000'000});
  all &= model::passes<with_a_stand_in<2, 7, 2>>("a thread and a stand-in, two seats",
                                                 {.random = 1'000'000});
  all &=
      model::passes<with_a_stand_in<3, 5, 2>>("two threads and a stand-in", {.random = 1'000'000});
  all &=
      model::passes<lowest_failure<2, 4, 1, 3>>("two threads keep the lowest of two failures", {});
  all &= model::passes<lowest_failure<3, 5, 2, 4>>("three threads keep the lowest of two failures",
                                                   {});
  all &= model::passes<lowest_failure<2, 4, 3, 4>>(
      "two threads run all that is below a failure of the last block, with which one begins", {});
  return all ? 0 : 1;
}
