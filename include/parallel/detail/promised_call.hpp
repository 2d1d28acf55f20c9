// A callable and the promise of its result: what submit() queues, on either pool.
#pragma once

#include <exception>
#include <future>
#include <optional>
#include <type_traits>
#include <utility>

namespace parallel::detail {

template <class F>
class promised_call {
 public:
  using result = std::invoke_result_t<F&>;

  template <class G>
  explicit promised_call(G&& f) : f_(std::in_place, std::forward<G>(f)) {}

  [[nodiscard]] std::future<result> get_future() { return promise_.get_future(); }

  /// Calls f, destroys it, and keeps the promise: who waits finds nothing left of the call.
  void operator()() noexcept {
    try {
      if constexpr (std::is_void_v<result>) {
        (*f_)();
        f_.reset();
        promise_.set_value();
      } else if constexpr (std::is_reference_v<result>) {
        auto& referred = (*f_)();
        f_.reset();
        promise_.set_value(referred);
      } else {
        result made = (*f_)();
        f_.reset();
        promise_.set_value(std::move(made));
      }
    } catch (...) {
      f_.reset();
      promise_.set_exception(std::current_exception());
    }
  }

 private:
  std::promise<result> promise_;
  std::optional<F> f_;
};

} // namespace parallel::detail
