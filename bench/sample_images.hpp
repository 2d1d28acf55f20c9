// The default "photographs": synthetic pictures, made, not shipped. Deterministic by number, varied
// in size and detail, written once to a cache directory outside the repository.
//
// A parallel::for_each makes them.
#pragma once

#include "thumbnail.hpp"

#include <parallel/map.hpp>

#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>
#include <ranges>
#include <string>
#include <vector>

namespace bench {

/// $XDG_CACHE_HOME/parallel-bench, or ~/.cache/parallel-bench.
inline std::filesystem::path cache_directory() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache != nullptr && *cache != '\0')
    return std::filesystem::path(cache) / "parallel-bench";
  if (home != nullptr && *home != '\0')
    return std::filesystem::path(home) / ".cache" / "parallel-bench";
  return std::filesystem::temp_directory_path() / "parallel-bench";
}

/// Picture number `number`: a sky-like gradient, some soft discs, and grain, of a size between
/// 0.8 and 3 megapixels.
inline picture sample_picture(std::size_t number) {
  std::mt19937 random(static_cast<std::mt19937::result_type>(number)); // its sequence is standard
  const auto below = [&](std::uint32_t n) { return static_cast<int>(random() % n); };
  static constexpr std::array<std::array<int, 2>, 6> sizes{
      {{1024, 768}, {800, 1200}, {1600, 1200}, {1920, 1080}, {1280, 960}, {2048, 1536}}};
  const auto [width, height] = sizes[static_cast<std::size_t>(below(sizes.size()))];

  struct disc {
    int x, y, radius;
    std::array<int, 3> colour;
  };
  std::vector<disc> discs(static_cast<std::size_t>(8 + below(24)));
  for (disc& d : discs)
    d = {below(static_cast<std::uint32_t>(width)),
         below(static_cast<std::uint32_t>(height)),
         20 + below(300),
         {below(256), below(256), below(256)}};
  const std::array<int, 3> top{below(256), below(256), below(256)};
  const std::array<int, 3> bottom{below(256), below(256), below(256)};
  const int grain = 2 + below(24);

  picture made{width, height, bytes(static_cast<std::size_t>(width * height * 3))};
  std::uint32_t noise = static_cast<std::uint32_t>(random());
  unsigned char* pixel = made.rgb.data();
  std::vector<std::array<int, 3>> row(static_cast<std::size_t>(width));
  for (int y = 0; y < height; ++y) {
    std::array<int, 3> sky{};
    for (std::size_t c = 0; c < 3; ++c)
      sky[c] = top[c] + (bottom[c] - top[c]) * y / height;
    std::fill(row.begin(), row.end(), sky);
    for (const disc& d : discs) {
      const int dy = y - d.y;
      if (std::abs(dy) >= d.radius)
        continue;
      const int half = static_cast<int>(std::sqrt(d.radius * d.radius - dy * dy));
      for (int x = std::max(0, d.x - half); x < std::min(width, d.x + half); ++x)
        for (std::size_t c = 0; c < 3; ++c)
          row[static_cast<std::size_t>(x)][c] =
              (row[static_cast<std::size_t>(x)][c] + d.colour[c]) / 2;
    }
    for (const std::array<int, 3>& colour : row) {
      noise = noise * 1664525 + 1013904223; // Numerical Recipes' generator: quick, and only grain
      const int speck = static_cast<int>(noise >> 24) * grain / 256 - grain / 2;
      for (std::size_t c = 0; c < 3; ++c)
        *pixel++ = static_cast<unsigned char>(std::clamp(colour[c] + speck, 0, 255));
    }
  }
  return made;
}

/// The paths of the first `count` sample photographs, after making those that the cache lacks.
inline std::vector<std::filesystem::path> sample_images(std::size_t count) {
  const std::filesystem::path directory = cache_directory() / "photographs-1";
  std::filesystem::create_directories(directory);
  std::vector<std::filesystem::path> paths;
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < count; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "%06zu.jpg", i);
    paths.push_back(directory / name);
    if (!std::filesystem::exists(paths.back()))
      missing.push_back(i);
  }
  if (missing.empty())
    return paths;
  std::fprintf(stderr, "making %zu photographs in %s, once\n", missing.size(), directory.c_str());
  std::mutex terminal;
  std::size_t made = 0;
  parallel::for_each(missing, [&](std::size_t number) {
    // Under another name first, so that a run broken off leaves no half a picture behind.
    const std::filesystem::path& path = paths[number];
    const std::filesystem::path unfinished = path.string() + ".unfinished";
    write_jpeg(unfinished, sample_picture(number), 90);
    std::filesystem::rename(unfinished, path);
    const std::lock_guard lock(terminal);
    if (++made % 500 == 0 || made == missing.size())
      std::fprintf(stderr, "%zu of %zu made\n", made, missing.size());
  });
  return paths;
}

} // namespace bench
