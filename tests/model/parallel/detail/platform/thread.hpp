// The models' replacement for the header of the same name: Relacy's threads, of which some cannot
// be created.
#pragma once

#include "relacy.hpp"

#include <cstddef>
#include <cstdint>

namespace parallel::detail {

inline void yield() {
  rl::ctx().yield(1, $);
}
inline void sleep_for(std::int64_t) {
  yield();
}
inline void pause() {
  yield();
}

class native_thread {
 public:
  native_thread() = default;
  native_thread(const native_thread&) = delete;
  native_thread& operator=(const native_thread&) = delete;

  [[nodiscard]] bool start(void (*run)(void*) noexcept, void* argument) {
    run_ = run;
    argument_ = argument;
    yield(); // other threads may run first
    if (model::threads_fail_one_in != 0 && rl::rand(model::threads_fail_one_in) == 0)
      return false;
    thread_ = rl::ctx().create_thread(&enter, this);
    return true;
  }
  [[nodiscard]] bool is_joinable() const { return thread_ != nullptr; }
  void join() {
    if (thread_ == nullptr)
      return;
    thread_->wait(false, false, $);
    thread_ = nullptr;
  }

 private:
  static void* enter(void* self) {
    const native_thread& thread = *static_cast<const native_thread*>(self);
    thread.run_(thread.argument_);
    return nullptr;
  }

  void (*run_)(void*) noexcept = nullptr;
  void* argument_ = nullptr;
  rl::win_waitable_object* thread_ = nullptr;
};

struct thread_start {
  static bool start(native_thread& thread, void (*run)(void*) noexcept, void* argument) {
    return thread.start(run, argument);
  }
};

inline void name_this_thread(const char*, std::size_t) {}

[[noreturn]] inline void fatal(const char* message) {
  model::require(false, message);
  std::abort();
}

} // namespace parallel::detail
