// Where a worker that is woken starts to run, in the models: nowhere in particular.
#pragma once

namespace parallel::detail {

inline int this_processor() {
  return -1;
}

class wake_affinity {
 public:
  void keep_off(int) {}
  void move_off(int) {}
  void settle() {}
};

} // namespace parallel::detail
