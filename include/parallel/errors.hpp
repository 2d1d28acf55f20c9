// The exceptions of this library's own: how a call says that it has been ended early, and a pool
// that it has.
//
// All others come from the user's functions, or are std::invalid_argument (a value that makes no
// sense), std::system_error (no thread) or std::bad_alloc. Entered from options.hpp and
// pool_options.hpp. Visible out of a shared library that hides everything else: a program that
// catches them compares their types by address (libc++).
#pragma once

#if !defined(__cpp_exceptions)
#error "parallel reports errors with exceptions and needs them: compile without -fno-exceptions"
#endif

#include <exception>

#pragma GCC visibility push(default)

namespace parallel {

/// What this library throws by itself when a call or a pool ends early.
class error : public std::exception {};

/// A stop was requested before every element had been started (or, in as_completed, was ready).
class stopped : public error {
 public:
  /// These words, with static storage.
  [[nodiscard]] const char* what() const noexcept override {
    return "parallel: a stop was requested before every element had been started";
  }
};

/// The deadline passed before every element had been started (or, in as_completed, was ready).
class deadline_exceeded : public error {
 public:
  /// These words, with static storage.
  [[nodiscard]] const char* what() const noexcept override {
    return "parallel: the deadline passed before every element had been started";
  }
};

/// The pool has been shut down: thrown by submit() afterwards, and by the futures of tasks that
/// were discarded.
class shut_down : public error {
 public:
  /// These words, with static storage.
  [[nodiscard]] const char* what() const noexcept override {
    return "parallel: the pool has been shut down";
  }
};

} // namespace parallel

#pragma GCC visibility pop
