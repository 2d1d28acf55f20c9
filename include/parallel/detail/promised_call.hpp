// A callable and the promise of its result: what submit() queues, on either pool.
#pragma once

#include <exception>
#include <future>
#include <type_traits>
#include <utility>

namespace parallel::detail {

template <class F>
class promised_call {
 public:
  using result = std::invoke_result_t<F&>;

  template <class G>
  explicit promised_call(G&& f) : f_(std::forward<G>(f)) {}

  [[nodiscard]] std::future<result> get_future() { return promise_.get_future(); }

  /// Calls f and keeps the promise.
  void operator()() noexcept {
    try {
      if constexpr (std::is_void_v<result>) {
        f_();
        promise_.set_value();
      } else {
        promise_.set_value(f_());
      }
    } catch (...) {
      promise_.set_exception(std::current_exception());
    }
  }

 private:
  std::promise<result> promise_;
  F f_;
};

} // namespace parallel::detail
