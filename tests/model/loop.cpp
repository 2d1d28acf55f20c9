// The loop (loop/loop.hpp, loop/range_slot.hpp): each block is run by one thread, once, whoever
// steals from whom; of several failures the lowest is kept, what is below it is run, and what is
// above it may be dropped, as is everything once the body has ended the loop.
#include "relacy.hpp"

#include <parallel/detail/loop/loop.hpp>

#include <cstddef>
#include <exception>

using parallel::detail::loop;
using parallel::detail::loop_body;
using parallel::detail::loop_counts;

namespace {

/// `Threads` participants share `Blocks` blocks; all have slots from the start, and there may be
/// more slots, for which nobody comes. `Model` has the body.
template <class Model, std::size_t Threads, std::size_t Blocks, std::size_t Slots = Threads>
struct shared_loop : model::test<Model, Threads> {
  void before() {
    for (rl::var<int>& each : runs)
      each($) = 0;
    work.prepare(loop_body(static_cast<Model&>(*this)), 0, Blocks, 1, nullptr, Slots, nullptr);
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
  loop work{Slots};
};

template <std::size_t Threads, std::size_t Blocks, std::size_t Slots = Threads>
struct each_block_once
    : shared_loop<each_block_once<Threads, Blocks, Slots>, Threads, Blocks, Slots> {
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

/// The same, with the last of the threads without a slot. `Model` says what becomes of an element.
template <std::size_t Threads, std::size_t Blocks, std::size_t Slots, class Model>
struct with_a_stand_in : model::test<Model, Threads> {
  void before() {
    for (rl::var<int>& each : runs)
      each($) = 0;
    work.prepare(loop_body(*this), 0, Blocks, 1, nullptr, Slots, nullptr);
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
    model::require(nothing_left, "a stand-in has given up");
  }

  mutable rl::var<int> runs[Blocks];
  mutable std::size_t begun = 0;
  std::size_t gone = 0;
  loop work{Slots};
};

template <std::size_t Threads, std::size_t Blocks, std::size_t Slots>
struct each_block_once_with_a_stand_in
    : with_a_stand_in<Threads, Blocks, Slots,
                      each_block_once_with_a_stand_in<Threads, Blocks, Slots>> {
  void run(std::size_t i) const { this->runs[i]($) = this->runs[i]($) + 1; }
  void check_left() const {
    model::require(Blocks - this->begun <= Threads - this->gone, "a thread has left too early");
  }
  void after() {
    for (rl::var<int>& each : this->runs)
      model::require(each($) == 1, "a block was not run once");
  }
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

/// The elements `First` and `Second` throw their numbers; the last of the threads has no slot. Of
/// the slots there may be more than there are threads for.
template <std::size_t Threads, std::size_t Blocks, std::size_t Slots, std::size_t First,
          std::size_t Second>
struct failure_with_a_stand_in
    : with_a_stand_in<Threads, Blocks, Slots,
                      failure_with_a_stand_in<Threads, Blocks, Slots, First, Second>> {
  void run(std::size_t i) const {
    this->runs[i]($) = this->runs[i]($) + 1;
    if (i == First || i == Second)
      throw i;
  }
  void check_left() const {} // what is left need not start
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

/// The body ends the loop at the element `Last`; `Fails` throws, if it is started.
template <std::size_t Threads, std::size_t Blocks, std::size_t Last, std::size_t Fails = Blocks>
struct ended_loop : shared_loop<ended_loop<Threads, Blocks, Last, Fails>, Threads, Blocks> {
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
      model::require(each($) <= 1, "a block was run twice");
    const bool failed = Fails < Blocks && this->runs[Fails < Blocks ? Fails : 0]($) == 1;
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
  all &= model::passes<each_block_once<2, 4>>(
      "two threads run each of 4 blocks once, and leave when none is left", {});
  all &= model::passes<each_block_once<3, 4>>("three threads, 4 blocks", {});
  all &= model::passes<each_block_once<3, 7>>("three threads, 7 blocks", {.random = 1'000'000});
  all &= model::passes<each_block_once<4, 5>>("four threads, 5 blocks", {.random = 1'000'000});
  all &= model::passes<each_block_once<2, 8, 3>>("two threads and a slot for which nobody comes",
                                                 {.random = 1'000'000});
  all &= model::passes<each_block_once<3, 8, 4>>("likewise, three threads", {.random = 1'000'000});
  all &= model::passes<each_block_once_with_a_stand_in<2, 7, 2>>(
      "a thread and a stand-in, two slots", {.random = 1'000'000});
  all &= model::passes<each_block_once_with_a_stand_in<3, 5, 2>>("two threads and a stand-in",
                                                                 {.random = 1'000'000});
  all &=
      model::passes<lowest_failure<2, 4, 1, 3>>("two threads keep the lowest of two failures", {});
  all &= model::passes<lowest_failure<3, 5, 2, 4>>("three threads keep the lowest of two failures",
                                                   {});
  all &= model::passes<lowest_failure<2, 4, 3, 4>>(
      "two threads run all that is below a failure of the last block, with which one begins", {});
  all &= model::passes<lowest_failure<3, 9, 3, 5>>(
      "three threads drop what is above a failure in the middle, and run what is below",
      {.random = 1'000'000});
  all &= model::passes<lowest_failure<3, 9, 5, 6>>(
      "three threads, a failure in the second share and the last", {.random = 1'000'000});
  all &= model::passes<failure_with_a_stand_in<2, 8, 3, 3, 6>>(
      "a thread and a stand-in drop what is above a failure in the middle", {.random = 1'000'000});
  all &= model::passes<failure_with_a_stand_in<3, 8, 3, 2, 4>>(
      "two threads and a stand-in drop what is above a failure in the middle",
      {.random = 1'000'000});
  all &= model::passes<ended_loop<2, 6, 2>>("the body ends the loop of two threads", {});
  all &= model::passes<ended_loop<3, 9, 4>>("the body ends the loop of three threads",
                                            {.random = 1'000'000});
  all &= model::passes<ended_loop<3, 7, 4, 2>>(
      "the body ends the loop of three threads while another element fails", {.random = 1'000'000});
  return all ? 0 : 1;
}
