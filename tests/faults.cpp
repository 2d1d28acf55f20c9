// User code that throws: a function, a copy or a move, at every possible step.
//
// Each kind of call is repeated with an exception at its first step, its second and so on, until it
// completes. Afterwards no object may be left, and the pool must still work.
#include "catch.hpp"
#include "support.hpp"

#include <parallel/parallel.hpp>

#include <atomic>
#include <cstddef>
#include <future>
#include <list>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

struct fault {};

std::atomic<long> steps_left{-1}; // until one throws; if negative, none does

void step() {
  if (steps_left.load() >= 0 && steps_left.fetch_sub(1) == 0)
    throw fault();
}

/// A value whose copies and moves are steps. It counts its living instances.
class fragile {
 public:
  explicit fragile(int value) : value_(value) { ++alive; }
  fragile(const fragile& other) : value_(other.value_) {
    step();
    ++alive;
  }
  fragile(fragile&& other) : value_(other.value_) { // NOLINT: it has to throw
    step();
    ++alive;
  }
  fragile& operator=(const fragile& other) {
    step();
    value_ = other.value_;
    return *this;
  }
  fragile& operator=(fragile&& other) { // NOLINT: it has to throw
    step();
    value_ = other.value_;
    return *this;
  }
  ~fragile() { --alive; }

  [[nodiscard]] int value() const { return value_; }

  static inline std::atomic<long> alive{0};

 private:
  int value_;
};

constexpr int fragile_count = 30;

fragile fragile_twice(const fragile& x) {
  step();
  return fragile(2 * x.value());
}

bool is_right(const std::vector<fragile>& made) {
  int sum = 0;
  for (const fragile& each : made)
    sum += each.value();
  return made.size() == fragile_count && sum == fragile_count * (fragile_count - 1);
}

/// Runs call(pool, xs), which returns whether its result is right, with a fault at each step in
/// turn.
template <class Pool, class Call>
void with_fault_at_every_step(const Call& call) {
  bool is_clean = false;
  for (long k = 0; !is_clean; ++k) {
    REQUIRE(k < 10'000);
    INFO("step " << k);
    {
      Pool pool = [] {
        if constexpr (std::is_same_v<Pool, parallel::io_pool>)
          return Pool(parallel::io_pool_options{.max_threads = 3});
        else
          return Pool(3);
      }();
      std::vector<fragile> xs;
      xs.reserve(fragile_count);
      for (int i = 0; i < fragile_count; ++i)
        xs.emplace_back(i);
      steps_left = k;
      try {
        const bool right = call(pool, xs);
        is_clean = steps_left.exchange(-1) >= 0;
        CHECK((right || !is_clean));
      } catch (const fault&) {
        steps_left = -1;
      }
      REQUIRE(parallel::map(pool, test::numbers(10), [](int x) { return x + 1; })[9] == 10);
    }
    REQUIRE(fragile::alive == 0);
  }
}

} // namespace

TEMPLATE_TEST_CASE("calls whose elements or functions throw at any step lose nothing", "",
                   parallel::thread_pool, parallel::io_pool) {
  using elements = std::vector<fragile>;

  SECTION("map") {
    with_fault_at_every_step<TestType>(
        [](TestType& on, elements& xs) { return is_right(parallel::map(on, xs, fragile_twice)); });
  }
  SECTION("map over a list") {
    with_fault_at_every_step<TestType>([](TestType& on, elements& xs) {
      const std::list<fragile> list(xs.begin(), xs.end());
      return is_right(parallel::map(on, list, fragile_twice));
    });
  }
  SECTION("nested maps") {
    with_fault_at_every_step<TestType>([](TestType& on, elements& xs) {
      const auto rows = parallel::map(on, std::vector<int>(3),
                                      [&](int) { return parallel::map(on, xs, fragile_twice); });
      return is_right(rows[0]) && is_right(rows[1]) && is_right(rows[2]);
    });
  }
  SECTION("map_into") {
    with_fault_at_every_step<TestType>([](TestType& on, elements& xs) {
      elements ys = xs;
      parallel::map_into(on, xs, ys.begin(), fragile_twice);
      return is_right(ys);
    });
  }
  SECTION("for_each") {
    with_fault_at_every_step<TestType>([](TestType& on, elements& xs) {
      parallel::for_each(on, xs, [](fragile& x) { x = fragile_twice(x); });
      return is_right(xs);
    });
  }
  SECTION("try_map") {
    with_fault_at_every_step<TestType>([](TestType& on, elements& xs) {
      const auto tried = parallel::try_map(on, xs, fragile_twice);
      std::size_t good = 0;
      for (int i = 0; i < fragile_count; ++i)
        if (const auto& each = tried[static_cast<std::size_t>(i)]; each.has_value())
          good += each->value() == 2 * i ? 1U : 1'000U;
      return good == fragile_count || good == fragile_count - 1;
    });
  }
  SECTION("imap") {
    with_fault_at_every_step<TestType>([](TestType& on, elements& xs) {
      int sum = 0;
      for (const fragile& y : parallel::imap(on, xs, fragile_twice))
        sum += y.value();
      return sum == fragile_count * (fragile_count - 1);
    });
  }
  SECTION("imap_unordered over elements that it owns") {
    with_fault_at_every_step<TestType>([](TestType& on, elements& xs) {
      int sum = 0;
      for (const fragile& y :
           parallel::imap_unordered(on, std::move(xs), fragile_twice, {.window = 4}))
        sum += y.value();
      return sum == fragile_count * (fragile_count - 1);
    });
  }
  SECTION("filter: copied, moved and temporary elements") {
    const auto is_even = [](const fragile& x) {
      step();
      return x.value() % 2 == 0;
    };
    const auto are_right = [](const std::vector<fragile>& kept) {
      bool right = kept.size() == fragile_count / 2;
      for (std::size_t i = 0; i < kept.size(); ++i)
        right = right && kept[i].value() == 2 * static_cast<int>(i);
      return right;
    };
    with_fault_at_every_step<TestType>(
        [&](TestType& on, elements& xs) { return are_right(parallel::filter(on, xs, is_even)); });
    with_fault_at_every_step<TestType>([&](TestType& on, elements& xs) {
      return are_right(parallel::filter(on, std::move(xs), is_even));
    });
    with_fault_at_every_step<TestType>([&](TestType& on, elements& xs) {
      const auto made = xs | std::views::transform([](const fragile& x) { return x; });
      return are_right(parallel::filter(on, made, is_even));
    });
  }
  SECTION("map_reduce") {
    with_fault_at_every_step<TestType>([](TestType& on, elements& xs) {
      return parallel::map_reduce(on, xs, fragile_twice, fragile(0),
                                  [](const fragile& a, const fragile& b) {
                                    step();
                                    return fragile(a.value() + b.value());
                                  })
                 .value() == fragile_count * (fragile_count - 1);
    });
  }
  SECTION("map_async") {
    with_fault_at_every_step<TestType>([](TestType& on, elements& xs) {
      return is_right(parallel::map_async(on, std::move(xs), fragile_twice).get());
    });
  }
  SECTION("submit and as_completed") {
    with_fault_at_every_step<TestType>([](TestType& on, elements& xs) {
      std::vector<std::future<fragile>> futures;
      int sum = 0;
      try {
        for (const fragile& x : xs)
          futures.push_back(on.submit([x] { return fragile_twice(x); }));
        for (auto [index, future] : parallel::as_completed(on, futures))
          sum += future.get().value();
      } catch (const fault&) {
        for (const std::future<fragile>& each : futures) // the tasks still run
          if (each.valid())
            each.wait();
        throw;
      }
      return sum == fragile_count * (fragile_count - 1);
    });
  }
}
