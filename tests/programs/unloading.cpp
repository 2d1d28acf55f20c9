// Plugins with the library inside, all else hidden, are closed at every moment that is allowed: as
// soon as a map on the default pool has returned, when workers have not even begun; and one with a
// pool of its own, which ends with it. Usage: program-unloading PLUGIN
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

/// Opens a plugin, calls its function of that name, and closes it.
bool does(const char* path, const char* name) {
  void* const plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) {
    std::puts(dlerror());
    return false;
  }
  const auto function = reinterpret_cast<bool (*)()>(dlsym(plugin, name));
  const bool right = function != nullptr && function();
  return dlclose(plugin) == 0 && right;
}

bool is_loaded(const char* path) {
  void* const plugin = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  return plugin != nullptr && dlclose(plugin) == 0;
}

/// In a process of its own, as the default pool's code stays: its first worker may begin after the
/// plugin has been closed, and has a moment to do so.
bool is_closed_at_once(const char* path) {
  const pid_t child = fork();
  if (child == 0) {
    const bool right = does(path, "maps_on_default_pool") && is_loaded(path);
    const timespec moment{0, 1'000'000};
    nanosleep(&moment, nullptr);
    _exit(right ? 0 : 1);
  }
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

} // namespace

int main(int, char** arguments) {
  const char* const plugin = arguments[1];
  setenv("PARALLEL_NUM_THREADS", "4", 1);
  for (int round = 0; round < 1'000; ++round)
    if (!is_closed_at_once(plugin)) {
      std::printf("a plugin that was closed at once: failed in round %d\n", round);
      return 1;
    }
  for (const char* const function : {"uses_own_thread_pool", "uses_own_io_pool"})
    for (int round = 0; round < 100; ++round)
      if (!does(plugin, function) || is_loaded(plugin)) {
        std::printf("%s: failed in round %d\n", function, round);
        return 1;
      }
  std::puts("passed");
}
