// Work that computes and sometimes waits: a compensating worker runs while a call blocks, and a
// task that waits for tasks that it submitted runs them itself.
#include <parallel/blocking.hpp>
#include <parallel/thread_pool.hpp>

#include <future>
#include <iostream>
#include <utility>

int fibonacci(parallel::thread_pool& pool, int n) {
  if (n < 2)
    return n;
  std::future<int> one = pool.submit([&pool, n] { return fibonacci(pool, n - 1); });
  const int other = fibonacci(pool, n - 2);
  return pool.get(std::move(one)) + other;
}

int main() {
  parallel::thread_pool pool(2);
  std::cout << pool.submit([&] { return fibonacci(pool, 12); }).get() << '\n';

  // Both workers block until a third task, which a compensating worker runs, sets the value.
  std::promise<int> given;
  const std::shared_future<int> number = given.get_future().share();
  const auto wait = [number] { return parallel::blocking([&] { return number.get(); }); };
  std::future<int> one = pool.submit(wait);
  std::future<int> other = pool.submit(wait);
  pool.submit([&] { given.set_value(21); });
  std::cout << one.get() + other.get() << '\n';
}
