// A plugin that contains the library and exports little else is closed at every moment that is
// allowed: as soon as a map on the default pool has returned, when workers may not even have begun;
// and with a pool of its own, which ends with it. Usage: program-unloading PLUGIN ROUNDS
#include "opened_plugin.hpp"

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

int main(int, char** arguments) {
  const char* const plugin = arguments[1];
  const int rounds = std::atoi(arguments[2]);
  setenv("PARALLEL_NUM_THREADS", "4", 1);
  for (int round = 0; round < rounds; ++round)
    if (!holds_in_child(
            [&] { return does(plugin, "maps_on_default_pool") && is_loaded(plugin); })) {
      std::printf("a plugin that was closed at once: failed in round %d\n", round);
      return 1;
    }
  for (const char* const function : {"uses_own_thread_pool", "uses_own_io_pool"})
    for (int round = 0; round < rounds / 10; ++round)
      if (!does(plugin, function) || is_loaded(plugin)) {
        std::printf("%s: failed in round %d\n", function, round);
        return 1;
      }
  std::puts("passed");
}
