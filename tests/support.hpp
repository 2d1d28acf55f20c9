// Helpers for several test files: numbers to map over, a stop token, values that count themselves,
// a single-pass range, a gate.
#pragma once

#include "catch.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace test {

/// The pool sizes with which every promise is tested.
inline std::size_t any_pool_size() {
  return GENERATE(std::size_t{1}, 2U, 3U, 8U);
}

/// 0, 1, … n − 1.
inline std::vector<int> numbers(std::size_t n) {
  std::vector<int> xs(n);
  std::iota(xs.begin(), xs.end(), 0);
  return xs;
}

/// Returns its argument.
inline constexpr auto same = [](int x) { return x; };

/// A stop token that requests a stop once the flag is set.
struct token {
  std::atomic<bool>* requested;
  [[nodiscard]] bool stop_requested() const { return requested->load(); }
};

/// A value that counts its living instances. It has no default constructor.
class counted {
 public:
  explicit counted(int value) : value_(value) { ++alive; }
  counted(counted&& other) noexcept : value_(other.value_) { ++alive; }
  counted& operator=(counted&& other) noexcept = default;
  ~counted() { --alive; }

  [[nodiscard]] int value() const { return value_; }

  static inline std::atomic<int> alive{0};

 private:
  int value_;
};

/// The same with a default constructor, so that results are assigned instead of constructed.
class counted_default : public counted {
 public:
  counted_default() noexcept : counted(-1) {}
  using counted::counted;
};

/// The words of a text as a single-pass range. Its reference type, string_view, converts only
/// explicitly to its value type, string.
class words {
 public:
  explicit words(const char* text) : text_(text) {}

  class iterator {
   public:
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit iterator(std::string_view left) : left_(left) {}
    std::string_view operator*() const { return left_.substr(0, left_.find(' ')); }
    iterator& operator++() {
      const std::size_t length = (**this).size();
      left_.remove_prefix(length < left_.size() ? length + 1 : length);
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& i, std::default_sentinel_t) { return i.left_.empty(); }

   private:
    std::string_view left_;
  };

  [[nodiscard]] iterator begin() const { return iterator(text_); }
  [[nodiscard]] static std::default_sentinel_t end() { return {}; }

 private:
  std::string_view text_;
};

/// Counts the threads that are inside at once, and the most that ever were.
class crowd {
 public:
  class [[nodiscard]] member {
   public:
    explicit member(crowd& in) : in_(in) {
      const int inside = ++in_.inside_;
      int most = in_.most_.load();
      while (most < inside && !in_.most_.compare_exchange_weak(most, inside))
        ;
    }
    member(const member&) = delete;
    member& operator=(const member&) = delete;
    ~member() { --in_.inside_; }

   private:
    crowd& in_;
  };

  member enter() { return member(*this); }
  [[nodiscard]] int inside() const { return inside_.load(); }
  [[nodiscard]] int most() const { return most_.load(); }

 private:
  std::atomic<int> inside_{0};
  std::atomic<int> most_{0};
};

/// wait() blocks until open() has been called.
class gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

} // namespace test
