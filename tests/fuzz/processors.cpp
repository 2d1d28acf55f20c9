// Fuzz target: the code that counts processors, with arbitrary texts in the files of the kernel and
// in the environment variable. The input contains these texts, each followed by a zero byte.
#include "fake_root.hpp"

#include <parallel/pool_options.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

namespace {

/// Removes the next text and its zero byte from `rest`, and returns the text.
std::string_view next_text(std::string_view& rest) {
  const std::string_view text = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(text.size() < rest.size() ? text.size() + 1 : rest.size());
  return text;
}

/// The specification of thread_count_from(): a whole number from 1 to 65536, or else 0.
std::size_t thread_count(std::string_view text) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool is_whole = error == std::errc{} && end == text.data() + text.size();
  return is_whole && count <= 65'536 ? count : 0;
}

void require(bool holds) {
  if (!holds)
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string variable(next_text(rest));
  require(parallel::detail::thread_count_from(variable.c_str()) == thread_count(variable));

  static const test::fake_root root;
  root.write("/proc/self/cgroup", next_text(rest));
  for (const char* file : {"/cpu.max", "/a/b/cpu.max", "/unified/a/cpu.max",
                           "/cpu/a/cpu.cfs_quota_us", "/cpu/a/cpu.cfs_period_us"})
    root.write(std::string("/sys/fs/cgroup") + file, next_text(rest));
  require(root.quota() >= 1);
  return 0;
}
