// A file that one process writes to at a time.
//
// Part of the platform room: Linux locks the file; everything else, or a build with
// PARALLEL_PORTABLE defined, opens it and no more. Used by observe/trace_log.hpp: other programs
// than traced ones are spared its headers.
#pragma once

#include <parallel/detail/platform/config.hpp>

#ifdef PARALLEL_ENABLE_TRACE

#include <cstdio>

#if PARALLEL_DETAIL_LINUX
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace parallel::detail {

/// What open_locked() has come to.
struct locked_file {
  std::FILE* stream = nullptr; // null: errno says why
  int descriptor = -1;         // where there are any
  bool is_taken = false;       // another one has it locked
};

/// Opens a file for writing and empties it, unless another one that has opened it like this still
/// has it open. What is no file (a terminal, a pipe, /dev/null) can be opened by many, and so can
/// files where the file system knows no locks. Programs that this one starts do not inherit it.
inline locked_file open_locked(const char* path) noexcept {
  locked_file opened;
#if PARALLEL_DETAIL_LINUX
  opened.descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (opened.descriptor < 0)
    return opened;
  struct stat status {};
  const bool is_file = fstat(opened.descriptor, &status) == 0 && S_ISREG(status.st_mode);
  opened.is_taken =
      is_file && flock(opened.descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (!opened.is_taken && (!is_file || ftruncate(opened.descriptor, 0) == 0))
    opened.stream = fdopen(opened.descriptor, "wb");
  if (opened.stream == nullptr) {
    const int why = errno;
    close(opened.descriptor);
    errno = why;
  }
#else
  opened.stream = std::fopen(path, "wb");
#endif
  return opened;
}

/// In a child that has just been forked: lets go of a file that its parent has open. The lock is
/// both processes' until the child does so. Its stream must not be used in the child any more.
inline void leave_to_parent([[maybe_unused]] int descriptor) noexcept {
#if PARALLEL_DETAIL_LINUX
  close(descriptor);
#endif
}

} // namespace parallel::detail

#endif
