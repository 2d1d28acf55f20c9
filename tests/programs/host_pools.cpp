// A plugin that has used its host's pools may be closed as soon as the call has returned: a thread
// may still be in the plugin's code. Usage: program-host_pools PLUGIN
#include <parallel/io_pool.hpp>
#include <parallel/thread_pool.hpp>

#include <dlfcn.h>

#include <cstdio>
#include <initializer_list>

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

using use = bool(parallel::thread_pool&, parallel::io_pool&);

/// In a process of its own, as a plugin that has done so stays loaded.
bool is_closed_at_once(const char* path, const char* name) {
  const pid_t child = fork();
  if (child == 0) {
    parallel::thread_pool pool(2);
    parallel::io_pool io({.max_threads = 4});
    void* const plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const auto function = plugin != nullptr ? reinterpret_cast<use*>(dlsym(plugin, name)) : nullptr;
    const bool right = function != nullptr && function(pool, io) && dlclose(plugin) == 0;
    const timespec moment{0, 1'000'000};
    nanosleep(&moment, nullptr);
    _exit(right ? 0 : 1);
  }
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

} // namespace

int main(int, char** arguments) {
  for (const char* const function : {"submits", "maps_on_io_pool", "imaps"})
    for (int round = 0; round < 200; ++round)
      if (!is_closed_at_once(arguments[1], function)) {
        std::printf("%s: failed in round %d\n", function, round);
        return 1;
      }
  std::puts("passed");
}
