// The whole library in one include. Each public header also stands on its own; a program that only
// maps needs <parallel/map.hpp>.
#pragma once

#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>
#include <parallel/options.hpp>
#include <parallel/thread_pool.hpp>
