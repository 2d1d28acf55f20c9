// Reading on one pool, computing on another, with at most 64 files in memory: files are read ahead
// on an io_pool, and their lines are counted on all cores. Usage: line_counts FILE…
#include <parallel/imap.hpp>
#include <parallel/io_pool.hpp>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::ptrdiff_t count_lines(const std::string& text) {
  return std::ranges::count(text, '\n');
}

int main(int argc, char** argv) try {
  const std::vector<std::string> paths(argv + 1, argv + argc);
  parallel::io_pool io{{.max_threads = 16}};

  // A pipeline: the counting imap takes texts from the reading imap, one at a time.
  auto texts = parallel::imap(io, paths, read_file, {.window = 32});
  auto path = paths.begin();
  std::ptrdiff_t total = 0;
  for (const std::ptrdiff_t lines : parallel::imap(std::move(texts), count_lines, {.window = 32})) {
    std::cout << lines << ' ' << *path++ << '\n';
    total += lines;
  }
  std::cout << total << " total\n";
} catch (const std::exception& error) {
  // Names the first file that cannot be read, after the counts of the files before it.
  std::cerr << error.what() << '\n';
  return 1;
}
