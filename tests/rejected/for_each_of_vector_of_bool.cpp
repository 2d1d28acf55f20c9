// expect: pass std::as_const(flags)
#include <parallel/parallel.hpp>

#include <vector>

void misuse(std::vector<bool>& flags) {
  parallel::for_each(flags, [](auto flag) { flag = !flag; });
}
