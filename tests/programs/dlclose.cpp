// A plugin may be closed while the workers of its default pool sleep: their code stays loaded, and
// when the plugin is opened again they work again. Two plugins may each contain the library.
// Usage: program-dlclose PLUGIN OTHER-PLUGIN
#include "opened_plugin.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

bool work_in_turn(const char* path, const char* other) {
  return does(path, "plugin_maps") && is_loaded(path) && does(other, "plugin_nests") &&
         does(path, "plugin_nests");
}

} // namespace

int main(int, char** arguments) {
  setenv("PARALLEL_NUM_THREADS", "4", 1);
  for (int round = 0; round < 1'000; ++round)
    if (!work_in_turn(arguments[1], arguments[2])) {
      std::printf("failed in round %d\n", round);
      return 1;
    }
  std::puts("passed");
}
