// Outcomes without try and catch: they are transformed, get a value where there is none, and are
// made by hand, as a cache would do it.
#include <parallel/map.hpp>

#include <cmath>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

parallel::outcome<double> root(int x) {
  if (x < 0)
    return parallel::outcome<double>::failed(
        std::make_exception_ptr(std::domain_error("negative")));
  return parallel::outcome<double>(std::in_place, std::sqrt(x));
}

std::string state(const parallel::outcome<int>& of) {
  if (of.has_value())
    return std::to_string(*of);
  return of.has_run() ? "failed" : "not run";
}

int main() {
  const std::vector<std::string> texts{"16", "-4", "four"};
  const auto numbers =
      parallel::try_map(texts, [](const std::string& text) { return std::stoi(text); });
  for (const parallel::outcome<int>& number : numbers) {
    const auto rounded = number.and_then(root).transform([](double x) { return std::lround(x); });
    const auto positive = number.or_else(
        [](const std::exception_ptr&) { return parallel::outcome<int>(std::in_place, 0); });
    std::cout << rounded.value_or(-1) << ' ' << *positive << '\n';
  }

  parallel::outcome<int> cached;
  std::cout << state(cached);
  cached.emplace(7);
  std::cout << ", " << state(cached);
  cached.set_failed(std::make_exception_ptr(std::runtime_error("lost")));
  std::cout << ", " << state(cached);
  cached.set_not_run(std::make_exception_ptr(parallel::stopped()));
  std::cout << ", " << state(cached);
  cached.reset();
  const auto late =
      parallel::outcome<int>::not_run(std::make_exception_ptr(parallel::deadline_exceeded()));
  std::cout << ", " << state(late) << '\n';
}
