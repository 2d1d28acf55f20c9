// Whether the platform room makes Linux's calls, or has the standard library's answers alone.
//
// Part of the platform room: the latter is for other systems, and for a build with
// PARALLEL_PORTABLE defined, which is how it is tested on Linux. Entered from the other files here.
#pragma once

#if defined(__linux__) && !defined(PARALLEL_PORTABLE)
#define PARALLEL_DETAIL_LINUX 1
#else
#define PARALLEL_DETAIL_LINUX 0
#endif
