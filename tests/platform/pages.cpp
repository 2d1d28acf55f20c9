// Fresh pages: which memory has any, and what faulting them in does.
#include "catch.hpp"

#include <parallel/detail/platform/pages.hpp>

#include <algorithm>
#include <cstddef>

using parallel::detail::fresh_pages;

#if PARALLEL_DETAIL_LINUX

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

/// Memory from the system that has never been accessed.
class mapping {
 public:
  explicit mapping(std::size_t bytes)
      : bytes_(bytes),
        memory_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(memory_ != MAP_FAILED);
  }
  mapping(const mapping&) = delete;
  mapping& operator=(const mapping&) = delete;
  ~mapping() { munmap(memory_, bytes_); }

  [[nodiscard]] char* data() const { return static_cast<char*>(memory_); }

 private:
  std::size_t bytes_;
  void* memory_;
};

} // namespace

TEST_CASE("memory that has been used before has no fresh pages") {
  const mapping memory(10 * mib);
  std::fill_n(memory.data(), 10 * mib, 'x');
  CHECK(fresh_pages(memory.data(), 10 * mib).parts() == 0);
}

TEST_CASE("fresh pages are cut into parts of at most four mebibytes") {
  const mapping memory(10 * mib);
  // 10 MiB lie across three or four multiples of four, wherever they begin.
  const std::size_t parts = fresh_pages(memory.data() + 1, 10 * mib - 2).parts();
  CHECK(parts >= 3);
  CHECK(parts <= 4);
  CHECK(fresh_pages(memory.data(), 1'000).parts() == 0); // not one whole page
}

TEST_CASE("faulting pages in changes no byte in them or around them") {
  const mapping memory(10 * mib);
  const std::size_t edge = 100;
  std::fill_n(memory.data(), edge, 'a');
  std::fill_n(memory.data() + 10 * mib - edge, edge, 'z');
  const fresh_pages pages(memory.data() + edge, 10 * mib - 2 * edge);
  for (std::size_t part = 0; part < pages.parts(); ++part)
    pages.fault_in(part);
  const char* const begin = memory.data();
  const char* const end = begin + 10 * mib;
  CHECK(std::count(begin, begin + edge, 'a') == static_cast<std::ptrdiff_t>(edge));
  CHECK(std::count(end - edge, end, 'z') == static_cast<std::ptrdiff_t>(edge));
  CHECK(std::count(begin + edge, end - edge, '\0') ==
        static_cast<std::ptrdiff_t>(10 * mib - 2 * edge));
}

#else

TEST_CASE("without the Linux code no memory has fresh pages") {
  char memory[1];
  CHECK(fresh_pages(memory, sizeof memory).parts() == 0);
}

#endif
