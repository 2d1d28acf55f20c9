// A function and the ranges it runs over, as calls by index, so that threads can pick elements.
//
// Random-access ranges are used in place; of forward ranges the iterators are gathered; the
// elements of single-pass ranges are moved into a buffer once. The loop itself then sees only
// run(begin, end), whatever the number and kind of the ranges. Entered from every algorithm
// (stream/window.hpp, outcome.hpp and io/retry.hpp use parts of it); what runs the loop is
// pool.hpp.
#pragma once

#include <parallel/detail/lite/invalid_argument.hpp>
#include <parallel/detail/lite/invoke.hpp>
#include <parallel/detail/lite/pack.hpp>
#include <parallel/random.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span> // the range concepts, in a fifth of the time that <ranges> takes to compile
#include <type_traits>
#include <utility>
#include <vector>

namespace parallel::detail {

/// std::min, without <algorithm>, which takes long to compile.
template <class... Sizes>
constexpr std::size_t smallest(std::size_t first, Sizes... others) noexcept {
  ((first = others < first ? others : first), ...);
  return first;
}

/// A range without an end, such as std::views::iota(0).
template <class R>
concept endless = std::same_as<std::ranges::sentinel_t<R>, std::unreachable_sentinel_t>;

/// How many elements `range` has as far as can be told without a walk; else SIZE_MAX.
template <std::ranges::input_range R>
std::size_t size_hint(R& range) {
  if constexpr (std::ranges::sized_range<R>) {
    const auto size = std::ranges::size(range); // of any width
    return size < SIZE_MAX ? static_cast<std::size_t>(size) : SIZE_MAX;
  } else {
    return SIZE_MAX;
  }
}

/// The first min(limit, size) elements of a range. cursor() is what a loop copies to look at them:
/// a few pointers, which the compiler can keep in registers.
template <std::ranges::input_range R>
class input;

template <std::ranges::random_access_range R>
class input<R> {
 public:
  input(R& range, std::size_t limit) : begin_(std::ranges::begin(range)), size_(limit) {
    if constexpr (std::ranges::sized_range<R>)
      size_ = smallest(limit, detail::size_hint(range));
    else if constexpr (!endless<R>)
      size_ = walk(std::ranges::end(range));
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  struct cursor {
    std::ranges::iterator_t<R> begin;

    decltype(auto) operator[](std::size_t i) const {
      return begin[static_cast<std::ranges::range_difference_t<R>>(i)];
    }
  };
  [[nodiscard]] cursor elements() const { return {begin_}; }

 private:
  /// Counts the elements up to the limit; not beyond it, as a range may turn out to have no end.
  template <class End>
  [[nodiscard]] std::size_t walk(const End& end) const {
    std::size_t count = 0;
    for (auto i = begin_; count < size_ && i != end; ++i)
      ++count;
    return count;
  }

  std::ranges::iterator_t<R> begin_;
  std::size_t size_;
};

template <std::ranges::forward_range R>
requires(!std::ranges::random_access_range<R>) class input<R> {
 public:
  input(R& range, std::size_t limit) {
    if (const std::size_t size = detail::size_hint(range); size != SIZE_MAX)
      iterators_.reserve(smallest(limit, size));
    if (limit == 0)
      return;
    const auto end = std::ranges::end(range);
    for (auto i = std::ranges::begin(range); i != end; ++i) {
      iterators_.push_back(i);
      if (iterators_.size() == limit)
        return; // before ++, which may have far to go to an element that is not wanted
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return iterators_.size(); }

  struct cursor {
    const std::ranges::iterator_t<R>* iterators;

    decltype(auto) operator[](std::size_t i) const { return *iterators[i]; }
  };
  [[nodiscard]] cursor elements() const { return {iterators_.data()}; }

 private:
  std::vector<std::ranges::iterator_t<R>> iterators_;
};

template <std::ranges::input_range R>
requires(!std::ranges::forward_range<R>) class input<R> {
  using value = std::ranges::range_value_t<R>;
  using reference = std::ranges::range_reference_t<R>;

 public:
  input(R& range, std::size_t limit) {
    if (const std::size_t size = detail::size_hint(range); size != SIZE_MAX)
      elements_.reserve(smallest(limit, size));
    if (limit == 0)
      return; // begin() of a single-pass range may already take an element
    const auto end = std::ranges::end(range);
    for (auto i = std::ranges::begin(range); i != end;) {
      elements_.emplace_back(std::ranges::iter_move(i));
      if (elements_.size() == limit)
        return; // before ++, which would take one element too many
      ++i;
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return elements_.size(); }

  class cursor;
  [[nodiscard]] cursor elements() const { return cursor(elements_.data()); }

 private:
  template <class From>
  using copy_const = std::conditional_t<std::is_const_v<From>, const value, value>;

  /// Mutable, because each element belongs to the one thread that asks for it; and a struct, so
  /// that bools are not packed into shared words.
  struct element {
    template <class From>
    explicit element(From&& from) : value_(std::forward<From>(from)) {}
    mutable value value_;
  };

 public:
  class cursor {
   public:
    explicit cursor(const element* elements) : elements_(elements) {}

    /// The buffered element: as an lvalue where the range gives one, else as an rvalue.
    decltype(auto) operator[](std::size_t i) const {
      if constexpr (std::is_lvalue_reference_v<reference>)
        return static_cast<copy_const<std::remove_reference_t<reference>>&>(elements_[i].value_);
      else
        return std::move(elements_[i].value_);
    }

   private:
    const element* elements_;
  };

 private:
  std::vector<element> elements_;
};

/// A callable that wants random numbers behind its elements.
template <class F, class... Xs>
concept takes_random =
    !std::invocable<const F&, Xs...> && std::invocable<const F&, Xs..., random_engine&>;

/// The call for element i.
template <class F, class... Xs>
constexpr decltype(auto) call_for(const F& f, [[maybe_unused]] std::uint64_t seed,
                                  [[maybe_unused]] std::size_t i, Xs&&... xs) {
  if constexpr (takes_random<F, Xs...>) {
    random_engine random(seed, i);
    return detail::call(f, std::forward<Xs>(xs)..., random);
  } else {
    return detail::call(f, std::forward<Xs>(xs)...);
  }
}

/// Makes each call once.
template <class F>
struct plain_caller {
  const F& f;
  std::uint64_t seed;

  template <class... Xs>
  constexpr decltype(auto) operator()(std::size_t i, Xs&&... xs) const {
    return detail::call_for(f, seed, i, std::forward<Xs>(xs)...);
  }
};

/// How the calls are made: as the options say, if they have a say in it.
template <class Options, class F>
auto make_caller(const Options& options, const F& f, std::uint64_t seed) {
  if constexpr (requires { caller_for(options, f, seed); })
    return caller_for(options, f, seed);
  else
    return plain_caller<F>{f, seed};
}

/// What the calls say when they cannot compile, for a callable of type F and elements Xs.
template <class F, class... Xs>
constexpr void check_callable() {
  constexpr bool shareable = std::invocable<const F&, Xs...> || takes_random<F, Xs...>;
  static_assert(
      shareable || !(std::invocable<F&, Xs...> || std::invocable<F&, Xs..., random_engine&>),
      "parallel: all threads share one callable and call it as const; a `mutable` lambda, "
      "or a function object whose operator() is not const, would race with itself. Keep "
      "shared state in a std::atomic or under a mutex and capture it by reference, or "
      "return a value per element instead.");
  static_assert(shareable || std::invocable<F&, Xs...> || std::invocable<F&, Xs..., random_engine&>,
                "parallel: the callable cannot be called with the elements. It takes one argument "
                "per range, each of that range's reference type, and behind them, if it wants "
                "random numbers, a parallel::random_engine&.");
}

/// The calls f(xs[0]), f(xs[1]), …; with several ranges f(xs[0], ys[0]), …, as many as the
/// shortest has. A caller makes them: caller(i, xs[i], …).
template <class Caller, class... Rs>
class indexed_calls {
 public:
  /// What a call returns.
  using result =
      decltype(std::declval<const Caller&>()(0, std::declval<input<Rs>>().elements()[0]...));

  explicit indexed_calls(const Caller& caller, Rs&... ranges)
      : caller_(caller), size_(smallest(detail::size_hint(ranges)...)), inputs_{{take(ranges)}...} {
    static_assert(!(endless<Rs> && ...),
                  "parallel: there is no end to this; take a part of the range, for example with "
                  "std::views::take, or pair it with a range that ends.");
    static_assert(((std::ranges::random_access_range<Rs> || !endless<Rs>)&&...),
                  "parallel: a range without an end must be random-access.");
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Makes the calls begin … end − 1 and discards what they return.
  void run(std::size_t begin, std::size_t end) const {
    inputs_.apply(
        [&](const auto&... inputs) { discard(caller_, begin, end, inputs.elements()...); });
  }

  /// Makes the calls begin … end − 1 and hands what each returns to sink(i, value) at once: it may
  /// refer to an element that is itself a temporary, and so must not travel any further.
  template <class Sink>
  void run(std::size_t begin, std::size_t end, const Sink& sink) const {
    inputs_.apply(
        [&](const auto&... inputs) { hand_on(caller_, begin, end, sink, inputs.elements()...); });
  }

 private:
  template <class... Cursors>
  static void discard(const Caller caller, std::size_t begin, std::size_t end,
                      const Cursors... elements) {
    for (std::size_t i = begin; i != end; ++i)
      static_cast<void>(caller(i, elements[i]...));
  }

  template <class Sink, class... Cursors>
  static void hand_on(const Caller caller, std::size_t begin, std::size_t end, const Sink sink,
                      const Cursors... elements) {
    for (std::size_t i = begin; i != end; ++i)
      sink(i, caller(i, elements[i]...));
  }

  /// In the order of the ranges (the braces see to that), each up to the shortest before it.
  template <class R>
  input<R> take(R& range) {
    input<R> taken(range, size_);
    size_ = taken.size();
    return taken;
  }

  const Caller caller_;
  std::size_t size_;
  pack<input<Rs>...> inputs_;
};

[[noreturn, gnu::cold]] inline void refuse_seed(std::uint64_t seed) {
  char message[160];
  std::snprintf(message, sizeof message,
                "parallel: the seed is %llu, but the callable takes no random numbers; give it a "
                "parallel::random_engine& behind its elements",
                static_cast<unsigned long long>(seed));
  throw_invalid_argument(message);
}

/// The seed for `random` callables: 0 if the options have none. A seed for a callable that takes no
/// random numbers is a mistake.
template <bool random, class Options>
std::uint64_t seed_from(const Options& options) {
  if constexpr (requires { options.seed.is_given(); }) {
    if (!random && options.seed.is_given())
      refuse_seed(options.seed.value());
    return options.seed.value();
  } else {
    return 0;
  }
}

/// The calls of f over the ranges, after a look at whether there can be any: indexed_calls itself
/// is then free of errors that would bury the advice.
template <class Options, class F, class... Rs>
auto calls_over(const Options& options, const F& f, Rs&... ranges) {
  check_callable<F, decltype(std::declval<input<Rs>>().elements()[0])...>();
  constexpr bool random = takes_random<F, decltype(std::declval<input<Rs>>().elements()[0])...>;
  const auto caller = detail::make_caller(options, f, detail::seed_from<random>(options));
  return indexed_calls<std::remove_const_t<decltype(caller)>, Rs...>(caller, ranges...);
}

} // namespace parallel::detail
