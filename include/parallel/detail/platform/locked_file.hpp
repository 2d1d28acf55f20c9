// A file that one process writes to at a time.
//
// Linux locks the file; the portable code only opens it. Only programs that are traced need it, so
// other programs do not compile its headers.
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

/// The result of open_locked().
struct locked_file {
  std::FILE* stream = nullptr; // null on failure; errno then holds the reason
  int descriptor = -1;         // -1 where the system has none
  bool is_taken = false;       // whether another process holds the lock
};

/// Opens a file for writing, locks it and empties it, unless another process that has opened it in
/// this way still has it open. Terminals, pipes, /dev/null and the like are not locked, nor are
/// files on a file system without locks: several processes can open them. Programs that this
/// process starts do not inherit the file.
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

/// Called in a child process after a fork: closes the child's descriptor of a file that its parent
/// has open. Until then both processes hold the lock. The child must not use the stream any more.
inline void leave_to_parent([[maybe_unused]] int descriptor) noexcept {
#if PARALLEL_DETAIL_LINUX
  close(descriptor);
#endif
}

} // namespace parallel::detail

#endif
