// A plugin may be closed while compensating workers that it has started in its host's pool are
// parked: their code is only in the plugin, so that stays loaded for as long as they live.
// Usage: program-compensating_code PLUGIN
#include "opened_plugin.hpp"

#include <parallel/map.hpp>
#include <parallel/thread_pool.hpp>

#include <cstdio>
#include <vector>

namespace {

/// The pool ends with each call, so that the plugin is unloaded each time.
bool works(const char* path) {
  parallel::thread_pool pool(2);
  for (int time = 0; time < 2; ++time)
    if (!does(path, "plugin_blocks", pool) || !is_loaded(path))
      return false;
  const std::vector<int> twice =
      parallel::map(pool, std::vector<int>(100, 1), [](int x) { return 2 * x; }, {.grain = 1});
  return twice == std::vector<int>(100, 2);
}

} // namespace

int main(int, char** arguments) {
  for (int round = 0; round < 300; ++round)
    if (!works(arguments[1])) {
      std::printf("failed in round %d\n", round);
      return 1;
    }
  std::puts("passed");
}
