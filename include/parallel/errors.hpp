// The library's own exceptions: a call was ended early, or a pool has been shut down.
//
// All other exceptions come from the user's functions, or are std::invalid_argument (a value that
// makes no sense), std::system_error (no thread can be started) or std::bad_alloc. The types have
// default visibility even in a shared library that hides everything else, because a program that
// catches them may compare types by address (libc++).
#pragma once

#if !defined(__cpp_exceptions)
#error "parallel reports errors with exceptions and needs them: compile without -fno-exceptions"
#endif

#include <exception>

#pragma GCC visibility push(default)

namespace parallel {

/// The base of the library's own exceptions: stopped, deadline_exceeded and shut_down.
class error : public std::exception {};

/// Thrown by a call when a stop was requested before every element had been started; by
/// as_completed, before every future was ready.
class stopped : public error {
 public:
  /// The message; the characters have static storage.
  [[nodiscard]] const char* what() const noexcept override {
    return "parallel: a stop was requested before every element had been started";
  }
};

/// Thrown by a call when its deadline passed before every element had been started; by
/// as_completed, before every future was ready.
class deadline_exceeded : public error {
 public:
  /// The message; the characters have static storage.
  [[nodiscard]] const char* what() const noexcept override {
    return "parallel: the deadline passed before every element had been started";
  }
};

/// The pool has been shut down. Thrown by submit() after a shutdown, and by the futures of tasks
/// that were discarded.
class shut_down : public error {
 public:
  /// The message; the characters have static storage.
  [[nodiscard]] const char* what() const noexcept override {
    return "parallel: the pool has been shut down";
  }
};

} // namespace parallel

#pragma GCC visibility pop
