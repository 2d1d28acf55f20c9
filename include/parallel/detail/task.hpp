// A callable of any type, move-only ones included, to be run once: what waits in a task queue.
// (std::function demands copies; std::move_only_function is C++23.) Entered from io_pool.hpp.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace parallel::detail {

class task {
 public:
  task() = default;

  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, task>) explicit task(F&& f)
      : callable_(std::make_unique<holder<std::remove_cvref_t<F>>>(std::forward<F>(f))) {}

  void operator()() { callable_->call(); }

 private:
  struct base {
    virtual ~base() = default;
    virtual void call() = 0;
  };

  template <class F>
  struct holder final : base {
    template <class G>
    explicit holder(G&& g) : f(std::forward<G>(g)) {}
    void call() override { f(); }
    F f;
  };

  std::unique_ptr<base> callable_;
};

} // namespace parallel::detail
