// How to take a mutex that many threads want, each for a moment only.
//
// A thread that sleeps for a mutex is woken in its turn, finds that another thread has been
// quicker, and goes to the end of the queue: behind hundreds of threads that takes tens of
// milliseconds. So a thread looks again for a while first, and lets others run meanwhile.
#pragma once

#include <parallel/detail/platform/thread.hpp>

namespace parallel::detail {

/// Calls lock.lock() if lock.try_lock() has failed so often that the mutex is not held for moments
/// only: 200 times, with a pause of the processor after each (some 10 microseconds in all), then
/// 100 times, with a yield after each. (With 1,000 threads that come to one mutex every 10
/// milliseconds on two processors, none of 20, 100 and 10,000 yields is measurably better than the
/// others.)
template <class Lock>
void spin_then_lock(Lock& lock) noexcept {
  constexpr int pauses = 200;
  constexpr int yields = 100;
  for (int look = 0; look < pauses + yields; ++look) {
    if (lock.try_lock())
      return;
    if (look < pauses)
      pause();
    else
      yield();
  }
  lock.lock();
}

} // namespace parallel::detail
