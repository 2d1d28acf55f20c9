// The functions that library.cpp exports to host.cpp.
#pragma once

#include <vector>

#pragma GCC visibility push(default)
int sum_of_squares(const std::vector<int>& xs);
void stop_at_once(const std::vector<int>& xs); // throws parallel::stopped
#pragma GCC visibility pop
