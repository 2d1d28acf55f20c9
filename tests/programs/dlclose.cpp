// A plugin may be closed while the workers of its default pool sleep: their code stays where it is,
// and when the plugin is opened again they work again. Usage: program-dlclose PLUGIN
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

namespace {

bool opens_and_maps(const char* path) {
  void* const plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) {
    std::puts(dlerror());
    return false;
  }
  const auto map = reinterpret_cast<bool (*)()>(dlsym(plugin, "plugin_maps"));
  const bool right = map != nullptr && map();
  return dlclose(plugin) == 0 && right;
}

bool is_loaded(const char* path) {
  void* const plugin = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  return plugin != nullptr && dlclose(plugin) == 0;
}

} // namespace

int main(int, char** arguments) {
  setenv("PARALLEL_NUM_THREADS", "2", 1);
  const char* const path = arguments[1];
  for (int round = 0; round < 100; ++round)
    if (!opens_and_maps(path) || !is_loaded(path)) {
      std::puts("failed");
      return 1;
    }
  std::puts("passed");
}
