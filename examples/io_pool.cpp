// Blocking work and computing work: files are read on an io_pool, and their words are counted on
// all cores. Usage: io_pool FILE…
#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>

#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::ptrdiff_t count_words(const std::string& text) {
  std::istringstream words(text);
  return std::distance(std::istream_iterator<std::string>(words), {});
}

int main(int argc, char** argv) try {
  const std::vector<std::string> paths(argv + 1, argv + argc);
  parallel::io_pool io{{.max_threads = 16}};
  const auto texts = parallel::map(io, paths, read_file);
  const auto words = parallel::map(texts, count_words);
  for (std::size_t i = 0; i < paths.size(); ++i)
    std::cout << words[i] << ' ' << paths[i] << '\n';
} catch (const std::exception& error) {
  // If several files cannot be read, the first one is named, as in a plain loop.
  std::cerr << error.what() << '\n';
  return 1;
}
