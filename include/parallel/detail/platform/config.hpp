// Selects between Linux's own services and the standard library; how this folder works.
//
// All code that depends on the system is in this folder. On Linux its headers call the system
// directly. On other systems, and in a build with PARALLEL_PORTABLE defined (which is how the
// portable code is tested on Linux), they use the standard library, or do nothing where the
// standard library has no such service. The rest of the library sees no difference.
//
// The standard library is avoided because of compile time: <thread>, <mutex>, <chrono>,
// <functional> and the like take long to compile. <atomic> alone takes a seventh of the time that a
// call of parallel::map takes. The folder lite/ replaces other parts of the standard library for
// this reason.
//
// The tests replace single headers: tests/model and tests/stress each have a folder
// parallel/detail/platform, which is searched first. Files and names there must match those here.
#pragma once

#if defined(__linux__) && !defined(PARALLEL_PORTABLE)
#define PARALLEL_DETAIL_LINUX 1
#else
#define PARALLEL_DETAIL_LINUX 0
#endif

/// Before a function: asks for small machine code, not for fast code. Each file that maps gets a
/// copy of the code that shares a call. That code runs once a chunk or more rarely, never once an
/// element, so its size counts, not its speed. (GCC and Clang have no attribute that says just
/// this. They compile what is "cold" in this way, and the program's own paths stay laid out as the
/// hot ones.)
#if defined(__GNUC__)
#define PARALLEL_DETAIL_COMPACT [[gnu::cold]]
#else
#define PARALLEL_DETAIL_COMPACT
#endif
