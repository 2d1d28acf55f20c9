// The models' replacement for the header of the same name: it leaves the system alone.
#pragma once

namespace parallel::detail {

inline int this_processor() {
  return -1;
}

class wake_affinity {
 public:
  void exclude(int) {}
  void exclude_instead(int) {}
  void restore() {}
};

} // namespace parallel::detail
