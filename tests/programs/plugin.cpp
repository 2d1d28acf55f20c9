// A shared library that maps on the default pool; dlclose.cpp opens and closes it.
#include "two_threads.hpp"

extern "C" bool plugin_maps() {
  return two_threads_map();
}
