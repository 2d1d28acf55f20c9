// A function and the ranges that it is mapped over, as numbered calls.
//
// Call i applies the function to the ith element of each range (see input.hpp) and, if it takes
// random numbers, to an engine for element i. A parallel loop only sees run(begin, end), whatever
// the number and the kinds of the ranges. A caller object makes the single calls, so that options
// can change how: with retries, for example.
#pragma once

#include <parallel/detail/call/input.hpp>
#include <parallel/detail/lite/invalid_argument.hpp>
#include <parallel/detail/lite/invoke.hpp>
#include <parallel/detail/lite/pack.hpp>
#include <parallel/random.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span> // the range concepts, as in input.hpp
#include <type_traits>
#include <utility>

namespace parallel::detail {

/// A callable that takes a random_engine& after its elements.
template <class F, class... Xs>
concept takes_random =
    !std::invocable<const F&, Xs...> && std::invocable<const F&, Xs..., random_engine&>;

/// Calls f for element i, with random numbers if f takes them.
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

/// The default caller: calls f once for each element.
template <class F>
struct direct_caller {
  const F& f;
  std::uint64_t seed;

  template <class... Xs>
  constexpr decltype(auto) operator()(std::size_t i, Xs&&... xs) const {
    return detail::call_for(f, seed, i, std::forward<Xs>(xs)...);
  }
};

/// The caller for f. Options can bring their own by a function caller_for(), which is found by
/// argument-dependent lookup.
template <class Options, class F>
auto make_caller(const Options& options, const F& f, std::uint64_t seed) {
  if constexpr (requires { caller_for(options, f, seed); })
    return caller_for(options, f, seed);
  else
    return direct_caller<F>{f, seed};
}

/// Fails to compile, with advice, if a callable of type F cannot be called with elements Xs.
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
                "per range, each of that range's reference type, and after them, if it wants "
                "random numbers, a parallel::random_engine&.");
}

/// The calls f(xs[0]), f(xs[1]), …; with several ranges f(xs[0], ys[0]), …, as many as the shortest
/// range has elements. The caller makes each as caller(i, xs[i], …).
template <class Caller, class... Rs>
class indexed_calls {
 public:
  /// What a call returns.
  using result =
      decltype(std::declval<const Caller&>()(0, std::declval<input<Rs>>().elements()[0]...));

  explicit indexed_calls(const Caller& caller, Rs&... ranges)
      : caller_(caller),
        size_(smallest(detail::size_hint(ranges)...)), inputs_{{make_input(ranges)}...} {
    static_assert(!(endless<Rs> && ...),
                  "parallel: the range has no end; take a part of the range, for example with "
                  "std::views::take, or pair it with a range that ends.");
    static_assert(((std::ranges::random_access_range<Rs> || !endless<Rs>)&&...),
                  "parallel: a range without an end must be random-access.");
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Makes the calls begin … end − 1 and discards their results.
  void run(std::size_t begin, std::size_t end) const {
    inputs_.apply(
        [&](const auto&... inputs) { discard_results(caller_, begin, end, inputs.elements()...); });
  }

  /// Makes the calls begin … end − 1 and passes each result to sink(i, value) at once, within the
  /// same expression: the result may refer to an element that is itself a temporary.
  template <class Sink>
  void run(std::size_t begin, std::size_t end, const Sink& sink) const {
    inputs_.apply([&](const auto&... inputs) {
      pass_results(caller_, begin, end, sink, inputs.elements()...);
    });
  }

 private:
  template <class... Cursors>
  static void discard_results(const Caller caller, std::size_t begin, std::size_t end,
                              const Cursors... elements) {
    for (std::size_t i = begin; i != end; ++i)
      static_cast<void>(caller(i, elements[i]...));
  }

  template <class Sink, class... Cursors>
  static void pass_results(const Caller caller, std::size_t begin, std::size_t end, const Sink sink,
                           const Cursors... elements) {
    for (std::size_t i = begin; i != end; ++i)
      sink(i, caller(i, elements[i]...));
  }

  /// Limits each input to the shortest one before it. The braces around the initialisers of inputs_
  /// guarantee the order of the ranges.
  template <class R>
  input<R> make_input(R& range) {
    input<R> made(range, size_);
    size_ = made.size();
    return made;
  }

  const Caller caller_;
  std::size_t size_;
  pack<input<Rs>...> inputs_;
};

[[noreturn, gnu::cold]] inline void throw_unused_seed(std::uint64_t seed) {
  char message[160];
  std::snprintf(message, sizeof message,
                "parallel: the seed is %llu, but the callable takes no random numbers; give it a "
                "parallel::random_engine& behind its elements",
                static_cast<unsigned long long>(seed));
  throw_invalid_argument(message);
}

/// The seed in the options, or 0 if there is none. Throws std::invalid_argument if a seed is given
/// although the callable takes no random numbers (`random` is false).
template <bool random, class Options>
std::uint64_t seed_from(const Options& options) {
  if constexpr (requires { options.seed.is_given(); }) {
    if (!random && options.seed.is_given())
      throw_unused_seed(options.seed.value());
    return options.seed.value();
  } else {
    return 0;
  }
}

/// The calls of f over the ranges. It checks the callable before it names the type indexed_calls,
/// whose own errors would bury the advice.
template <class Options, class F, class... Rs>
auto index_calls(const Options& options, const F& f, Rs&... ranges) {
  check_callable<F, decltype(std::declval<input<Rs>>().elements()[0])...>();
  constexpr bool random = takes_random<F, decltype(std::declval<input<Rs>>().elements()[0])...>;
  const auto caller = detail::make_caller(options, f, detail::seed_from<random>(options));
  return indexed_calls<std::remove_const_t<decltype(caller)>, Rs...>(caller, ranges...);
}

} // namespace parallel::detail
