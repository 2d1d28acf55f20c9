// The same map by every library that this machine has: the plain loop, parallel::map and its peers.
//
// A contender maps a function over a vector and returns a new vector, in the way that its own
// documentation recommends. A bench program visits them all with one kernel. CMakeLists.txt
// defines BENCH_TBB, BENCH_OPENMP and BENCH_ASIO for what it has found; none of them is required.
#pragma once

#include <parallel/map.hpp>

#include <cstddef>
#include <type_traits>
#include <vector>

#ifdef BENCH_TBB
#include <algorithm>
#include <execution>
#include <oneapi/tbb/parallel_for.h>
#endif
#ifdef BENCH_ASIO
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <latch>
#endif

namespace bench {

template <class T, class F>
using result_vector = std::vector<std::decay_t<std::invoke_result_t<const F&, const T&>>>;

struct plain_loop {
  static constexpr const char* name = "serial";

  template <class T, class F>
  static auto map(const std::vector<T>& xs, const F& f) {
    result_vector<T, F> out(xs.size());
    for (std::size_t i = 0; i < xs.size(); ++i)
      out[i] = f(xs[i]);
    return out;
  }
};

struct this_library {
  static constexpr const char* name = "parallel::map";

  template <class T, class F>
  static auto map(const std::vector<T>& xs, const F& f) {
    return parallel::map(xs, f);
  }
};

#ifdef BENCH_TBB
struct tbb {
  static constexpr const char* name = "oneTBB";

  template <class T, class F>
  static auto map(const std::vector<T>& xs, const F& f) {
    result_vector<T, F> out(xs.size());
    oneapi::tbb::parallel_for(oneapi::tbb::blocked_range<std::size_t>(0, xs.size()),
                              [&](const oneapi::tbb::blocked_range<std::size_t>& range) {
                                for (std::size_t i = range.begin(); i != range.end(); ++i)
                                  out[i] = f(xs[i]);
                              });
    return out;
  }
};

struct standard_par {
  static constexpr const char* name = "std::par";

  template <class T, class F>
  static auto map(const std::vector<T>& xs, const F& f) {
    result_vector<T, F> out(xs.size());
    std::transform(std::execution::par, xs.begin(), xs.end(), out.begin(), f);
    return out;
  }
};
#endif

#ifdef BENCH_OPENMP
struct openmp_guided {
  static constexpr const char* name = "OMP guided";

  template <class T, class F>
  static auto map(const std::vector<T>& xs, const F& f) {
    result_vector<T, F> out(xs.size());
#pragma omp parallel for schedule(guided)
    for (std::size_t i = 0; i < xs.size(); ++i)
      out[i] = f(xs[i]);
    return out;
  }
};

struct openmp_static {
  static constexpr const char* name = "OMP static";

  template <class T, class F>
  static auto map(const std::vector<T>& xs, const F& f) {
    result_vector<T, F> out(xs.size());
#pragma omp parallel for schedule(static)
    for (std::size_t i = 0; i < xs.size(); ++i)
      out[i] = f(xs[i]);
    return out;
  }
};
#endif

#ifdef BENCH_ASIO
/// Asio has no loop of its own: four pieces per thread are posted, and the caller waits.
struct asio_pool {
  static constexpr const char* name = "Asio";

  template <class T, class F>
  static auto map(const std::vector<T>& xs, const F& f) {
    static const std::size_t threads = parallel::default_concurrency();
    static asio::thread_pool pool(threads);
    result_vector<T, F> out(xs.size());
    const std::size_t pieces = 4 * threads;
    std::latch done(static_cast<std::ptrdiff_t>(pieces));
    for (std::size_t piece = 0; piece < pieces; ++piece)
      asio::post(pool, [&, piece] {
        const std::size_t end = xs.size() * (piece + 1) / pieces;
        for (std::size_t i = xs.size() * piece / pieces; i != end; ++i)
          out[i] = f(xs[i]);
        done.count_down();
      });
    done.wait();
    return out;
  }
};
#endif

/// Calls visit(contender) for each, the plain loop first. Asio's waiting caller cannot help, so
/// maps inside maps would block all its threads: `nested` leaves it out.
template <class Visit>
void for_each_contender(const Visit& visit, [[maybe_unused]] bool nested = false) {
  visit(plain_loop{});
  visit(this_library{});
#ifdef BENCH_TBB
  visit(tbb{});
  visit(standard_par{});
#endif
#ifdef BENCH_OPENMP
  visit(openmp_guided{});
  visit(openmp_static{});
#endif
#ifdef BENCH_ASIO
  if (!nested)
    visit(asio_pool{});
#endif
}

/// Names that CMake did not find, for the table's foot; empty when all are there.
inline const char* missing_contenders() {
  return ""
#ifndef BENCH_TBB
         " oneTBB and std::execution::par (Debian: libtbb-dev)"
#endif
#ifndef BENCH_OPENMP
         " OpenMP (with Clang on Debian: libomp-dev)"
#endif
#ifndef BENCH_ASIO
         " Asio (Debian: libasio-dev)"
#endif
      ;
}

} // namespace bench
