// The elements for which a predicate is true, in their order: they are copied, or moved out of a
// range that is given as an rvalue.
#include <parallel/filter.hpp>

#include <iostream>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

bool is_prime(int n) {
  for (int d = 2; d * d <= n; ++d)
    if (n % d == 0)
      return false;
  return n > 1;
}

struct mail {
  std::string to;
  std::string text;
};

int main() {
  const std::vector<int> primes = parallel::filter(std::views::iota(0, 1'000'000), is_prime);
  std::cout << primes.size() << " primes below a million, the last one is " << primes.back()
            << '\n';

  std::vector<mail> mails;
  mails.reserve(1'000);
  for (int i = 0; i < 1'000; ++i)
    mails.push_back({i % 4 == 0 ? "me" : "you", "This is mail number " + std::to_string(i)});
  const std::vector<mail> mine =
      parallel::filter(std::move(mails), [](const mail& one) { return one.to == "me"; });
  std::cout << mine.size() << " mails to me; " << mine.back().text << '\n';
}
