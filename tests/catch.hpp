// Catch2 in either of its shapes: version 3, or version 2 as Debian 12 has it.
//
// Its macros are not thread-safe: tests collect on many threads and check on one.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
