// What the README's snippets and tables take as given, so that they can be compiled (tests/readme).
#pragma once

#include <parallel/parallel.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <list>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

struct image {};
inline image create_thumbnail(const image& original) {
  return original;
}
/// Of one element or two.
struct of_numbers {
  double operator()(double x) const { return x; }
  double operator()(double x, double y) const { return x + y; }
};
inline constexpr of_numbers f;
inline void g(double&) {}
inline bool is_large(double x) {
  return x > 100;
}
inline std::string parse(const std::string& line) {
  return line;
}
inline std::string fetch(const std::string& url) {
  return url;
}
inline std::string fetch_one() {
  return {};
}
inline int ask() {
  return 42;
}
inline std::string read(int) {
  return {};
}
inline double walk(int steps, parallel::random_engine& random) {
  return static_cast<double>(random()) * steps;
}
template <class... Xs>
void use(const Xs&...) {}

struct never {
  [[nodiscard]] bool stop_requested() const { return false; }
};

struct given_to_snippets {
  std::vector<image> images;
  std::vector<double> xs, ys, zs, out;
  std::list<std::string> lines;
  std::vector<std::string> urls;
  std::vector<int> trials, inputs;
  std::vector<std::future<int>> answers;
  never token;
  parallel::progress_bar bar;
  int fd = 0;
};

struct given_to_tables {
  parallel::thread_pool pool;
  std::vector<double> xs, ys;
  std::vector<std::future<int>> futures;
  never token;
  parallel::progress_bar bar;
  double x = 1;
  std::plus<> op;
};
