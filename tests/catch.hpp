// Catch2, either version 3 or version 2, as Debian 12 has it.
//
// Its macros are not thread-safe: a test collects results on many threads and checks them on one.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
