// Question: how much sooner are a directory's thumbnails done?
//
// The talk made thumbnails of 6,000 images in Python: 27.9 s in a loop, 5.6 s with Pool().map and
// its processes. Here: the plain loop and parallel::map on the same JPEG files, read from disk,
// decoded, resized, encoded and written back. The thumbnails of all runs must be the same bytes.
#include "comparison.hpp"
#include "sample_images.hpp"
#include "thumbnail.hpp"

#include <parallel/map.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace fs = std::filesystem;

namespace {

/// One photograph and where its thumbnail goes.
struct request {
  fs::path photograph;
  std::string thumbnail; ///< file name in the run's directory
};

std::vector<fs::path> images_in(const fs::path& directory) {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory)) {
    std::string extension = entry.path().extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (entry.is_regular_file() && (extension == ".jpg" || extension == ".jpeg"))
      found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// What is wrong with a photograph, empty if nothing: a bad one must not lose the others.
std::string try_thumbnail(const request& wanted, const fs::path& directory) {
  try {
    bench::create_thumbnail(wanted.photograph, directory / wanted.thumbnail);
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

void expect_same_problems(const std::vector<std::string>& found,
                          const std::vector<std::string>& expected) {
  if (found != expected)
    throw std::runtime_error("a photograph failed in one run and not in another");
}

void expect_same_files(const std::vector<request>& requests, const fs::path& one,
                       const fs::path& other) {
  for (const request& wanted : requests) {
    const bool in_one = fs::exists(one / wanted.thumbnail);
    if (in_one != fs::exists(other / wanted.thumbnail) ||
        (in_one &&
         bench::read_file(one / wanted.thumbnail) != bench::read_file(other / wanted.thumbnail)))
      throw std::runtime_error(wanted.photograph.string() + ": thumbnails differ between runs");
  }
}

/// Decodes the first thumbnail made and looks at its size.
void expect_size(const fs::path& directory, const std::vector<request>& requests,
                 const std::vector<std::string>& problems) {
  const auto good = std::find(problems.begin(), problems.end(), std::string());
  const request& wanted = requests.at(static_cast<std::size_t>(good - problems.begin()));
  const bench::picture thumbnail =
      bench::decode(bench::read_file(directory / wanted.thumbnail), bench::thumbnail_side);
  if (std::max(thumbnail.width, thumbnail.height) > bench::thumbnail_side)
    throw std::runtime_error(wanted.thumbnail + " is larger than a thumbnail");
}

/// A directory that lasts as long as this object.
class scratch_directory {
 public:
  scratch_directory() {
    std::string name = (fs::temp_directory_path() / "parallel-thumbnails-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), name);
    path_ = name;
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  /// A new directory in it. Every run writes to one of its own: to overwrite a file makes some
  /// file systems wait for the disk.
  [[nodiscard]] fs::path next() {
    made_.push_back(path_ / std::to_string(made_.size()));
    fs::create_directory(made_.back());
    return made_.back();
  }

  /// All that next() has returned.
  [[nodiscard]] const std::vector<fs::path>& made() const { return made_; }

 private:
  fs::path path_;
  std::vector<fs::path> made_;
};

} // namespace

int main(int argc, char** argv) try {
  bench::comparison_command_line flags(
      "Makes thumbnails of JPEG files: the plain loop and parallel::map.");
  std::size_t count = 6'000;
  std::string own;
  flags.add_option("--count", count, "sample photographs to use")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  flags.add_option("--images", own, "use the .jpg and .jpeg files below this directory instead")
      ->check(CLI::ExistingDirectory);
  bool list = false;
  flags.add_flag("--list", list, "only print the photographs' paths, for bench/python");
  bool once = false;
  flags.add_flag("--once", once, "only one call, on all cores: the trace of it can be looked at");
  CLI11_PARSE(flags, argc, argv);
  const std::vector<fs::path> photographs =
      own.empty() ? bench::sample_images(count) : images_in(own);
  if (list) {
    for (const fs::path& photograph : photographs)
      std::printf("%s\n", photograph.c_str());
    return 0;
  }
  if (photographs.empty())
    throw std::runtime_error(own + " holds no .jpg or .jpeg file");
  std::vector<request> requests;
  for (std::size_t i = 0; i < photographs.size(); ++i)
    requests.push_back({photographs[i], std::to_string(i) + ".jpg"});

  // Once untimed, so that no run pays for a cold disk. What is wrong with a photograph shows here.
  scratch_directory scratch;
  std::fprintf(stderr, "reading %zu photographs once, untimed\n", requests.size());
  const fs::path first = scratch.next();
  parallel::progress_bar bar("read");
  const std::vector<std::string> problems =
      parallel::map(requests, [&](const request& wanted) { return try_thumbnail(wanted, first); },
                    {.progress = bar});

  bench::comparison table("thumbnails of " + std::to_string(requests.size()) + " images");
  if (!once)
    table.measure("thumbnails/serial", [&] {
      const fs::path directory = scratch.next();
      std::vector<std::string> found;
      for (const request& wanted : requests)
        found.push_back(try_thumbnail(wanted, directory));
      expect_same_problems(found, problems);
    });
  const std::size_t all = parallel::default_concurrency();
  std::deque<parallel::thread_pool> smaller;
  for (const std::size_t threads : once ? std::vector{all} : bench::thread_counts()) {
    const std::string name = "thumbnails/map/" + std::to_string(threads);
    // On all cores the one that there is anyway: no trace has a second one's idle threads.
    parallel::thread_pool* const pool =
        threads == all ? &parallel::default_pool() : &smaller.emplace_back(threads);
    table.measure(name, [&, pool] {
      const fs::path directory = scratch.next();
      expect_same_problems(
          parallel::map(*pool, requests,
                        [&](const request& wanted) { return try_thumbnail(wanted, directory); }),
          problems);
    });
    bench::opposite python{.python = "thumbnails/Pool/" + std::to_string(threads)};
    if (threads == all) { // which is what Pool() takes
      python.talk_serial = 27.9;
      python.talk_pooled = 5.6;
    }
    table.row("parallel::map, " + bench::threads_text(threads), "thumbnails/serial", name,
              static_cast<double>(threads), python);
  }
  const int status = table.run(flags, once ? 1 : 3);

  for (const fs::path& run : scratch.made())
    expect_same_files(requests, first, run);
  std::size_t failed = 0;
  for (std::size_t i = 0; i < problems.size(); ++i)
    if (!problems[i].empty()) {
      ++failed;
      std::printf("%s: %s\n", requests[i].photograph.c_str(), problems[i].c_str());
    }
  std::printf("%zu thumbnails, the same bytes from every run; %zu photographs failed\n",
              requests.size() - failed, failed);
  if (failed == requests.size() || (own.empty() && failed != 0))
    throw std::runtime_error("too few photographs to compare: delete broken samples to have them "
                             "made anew");
  expect_size(first, requests, problems);
  return status;
} catch (const std::exception& error) {
  std::fprintf(stderr, "thumbnails: %s\n", error.what());
  return 1;
}
