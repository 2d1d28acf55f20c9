// Pools may be used to the full in the static constructors of a shared library while it is opened:
// their threads need nothing that the thread which opens it holds. Usage: program-loading PLUGIN
#include <dlfcn.h>

#include <cstdio>

int main(int, char** arguments) {
  void* const plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) {
    std::puts(dlerror());
    return 1;
  }
  const auto* const right = static_cast<const bool*>(dlsym(plugin, "loaded_right"));
  std::puts(right != nullptr && *right ? "passed" : "failed");
  return right != nullptr && *right ? 0 : 1;
}
