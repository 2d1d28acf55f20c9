// Shared libraries that are opened, used and closed.
#pragma once

#include <dlfcn.h>

#include <cstdio>

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/// Opens a plugin, calls its function of that name, bool(arguments…), and closes it; false if any
/// of that fails.
template <class... Arguments>
bool does(const char* path, const char* name, Arguments&... arguments) {
  void* const plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) {
    std::puts(dlerror());
    return false;
  }
  const auto function = reinterpret_cast<bool (*)(Arguments & ...)>(dlsym(plugin, name));
  const bool right = function != nullptr && function(arguments...);
  return dlclose(plugin) == 0 && right;
}

inline bool is_loaded(const char* path) {
  void* const plugin = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  return plugin != nullptr && dlclose(plugin) == 0;
}

/// Whether test() is true in a process of its own, as libraries may stay loaded after it. Threads
/// have a moment then to run into code that is gone.
template <class Test>
bool holds_in_child(const Test& test) {
  const pid_t child = fork();
  if (child == 0) {
    const bool right = test();
    const timespec moment{0, 1'000'000};
    nanosleep(&moment, nullptr);
    _exit(right ? 0 : 1);
  }
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}
