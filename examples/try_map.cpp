// Results are kept when some elements fail, or when time runs out: try_map returns, for each
// element, its value, its exception, or that it was not run.
#include <parallel/map.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

int parse(const std::string& text) {
  std::size_t end = 0;
  const int number = std::stoi(text, &end);
  if (end != text.size())
    throw std::invalid_argument("trailing characters");
  return number;
}

int main() {
  const std::vector<std::string> texts{"17", "4x", "", "25"};
  const auto numbers = parallel::try_map(texts, parse, {.deadline = std::chrono::seconds(10)});
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::cout << '"' << texts[i] << "\": ";
    if (numbers[i])
      std::cout << *numbers[i] << '\n';
    else if (numbers[i].has_run())
      std::cout << "no number\n";
    else
      std::cout << "not run\n";
  }
}
