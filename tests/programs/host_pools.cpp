// A plugin that has used its host's pools may be closed as soon as the call has returned, although
// a thread may still run the plugin's code. Usage: program-host_pools PLUGIN
#include "opened_plugin.hpp"

#include <parallel/io_pool.hpp>
#include <parallel/thread_pool.hpp>

#include <cstdio>
#include <initializer_list>

namespace {

bool is_closed_at_once(const char* path, const char* name) {
  parallel::thread_pool pool(2);
  parallel::io_pool io({.max_threads = 4});
  return does(path, name, pool, io);
}

} // namespace

int main(int, char** arguments) {
  for (const char* const function : {"submits", "maps_on_io_pool", "imaps"})
    for (int round = 0; round < 200; ++round)
      if (!holds_in_child([&] { return is_closed_at_once(arguments[1], function); })) {
        std::printf("%s: failed in round %d\n", function, round);
        return 1;
      }
  std::puts("passed");
}
