// Results one by one from a source of any length: standard input is read up to 32 words ahead, many
// words are worked on at once, and the results are printed in order.
#include <parallel/imap.hpp>

#include <algorithm>
#include <iostream>
#include <ranges>
#include <string>

std::string longest_palindrome(const std::string& word) {
  std::string best;
  for (std::size_t begin = 0; begin < word.size(); ++begin)
    for (std::size_t end = word.size(); end - begin > best.size(); --end) {
      const std::string part = word.substr(begin, end - begin);
      if (std::equal(part.begin(), part.end(), part.rbegin()))
        best = part;
    }
  return best;
}

int main() {
  auto words = std::views::istream<std::string>(std::cin);
  for (const std::string& found : parallel::imap(words, longest_palindrome, {.window = 32}))
    std::cout << found << '\n';
}
