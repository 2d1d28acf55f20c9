// How an imap computes one element: the user's function, unless a stop or a deadline comes first.
//
// Any number of threads call it at once.
#pragma once

#include <parallel/detail/call/indexed_calls.hpp>
#include <parallel/detail/control/controlled_body.hpp>
#include <parallel/detail/observe/trace.hpp>
#include <parallel/errors.hpp>
#include <parallel/options.hpp>
#include <parallel/outcome.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace parallel::detail {

/// `Source` is an element_source, F the user's function.
template <class Source, class F>
class element_call {
  using argument = typename Source::argument;
  static constexpr bool checked = (check_callable<F, argument>(), true);
  static_assert(checked);

 public:
  using result = std::remove_cvref_t<decltype(detail::call_for(std::declval<const F&>(), 0, 0,
                                                               std::declval<argument>()))>;
  static_assert(!std::is_void_v<result>,
                "parallel::imap: the callable returns nothing to go through. Use "
                "parallel::for_each, or return a value.");

  element_call(F f, const imap_options& options)
      : f_(std::move(f)), seed_(detail::seed_from<takes_random<F, argument>>(options)),
        stop_(options.stop.query()), limit_(options.deadline.ns_left()) {}

  /// Computes the element that `input` holds and that has this index in its source. The output is
  /// the result, the exception of the function, or why the function has not been called.
  void operator()(typename Source::taken& input, std::size_t index,
                  outcome<result>& output) const noexcept {
    try {
      const trace_span span("element", {"index", index});
      if (stop_ && stop_())
        output.set_not_run(std::make_exception_ptr(stopped()));
      else if (limit_.has_passed())
        output.set_not_run(std::make_exception_ptr(deadline_exceeded()));
      else
        output.emplace(detail::call_for(std::as_const(*f_), seed_, index, Source::element(input)));
    } catch (...) {
      output.set_failed(std::current_exception());
    }
  }

  /// Destroys what is the user's, after which no element is to be computed.
  void destroy() noexcept {
    f_.reset();
    stop_ = {};
  }

 private:
  std::optional<F> f_;
  const std::uint64_t seed_;
  controlled_body::stop_query stop_;
  const deadline limit_;
};

} // namespace parallel::detail
