// A file system root for a test, with the files in which the kernel would describe control groups.
#pragma once

#include <parallel/detail/platform/processors.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace test {

/// A temporary directory, which the destructor removes.
class fake_root {
 public:
  fake_root() : path_((std::filesystem::temp_directory_path() / "parallel-root-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), path_);
  }
  fake_root(const fake_root&) = delete;
  fake_root& operator=(const fake_root&) = delete;
  ~fake_root() { std::filesystem::remove_all(path_); }

  void write(const std::string& file, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + file).parent_path());
    std::ofstream(path_ + file) << text;
  }

  [[nodiscard]] std::size_t quota() const {
    return parallel::detail::processor_quota(path_.c_str());
  }

 private:
  std::string path_;
};

} // namespace test
