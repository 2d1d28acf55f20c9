// Single blocking tasks: submit returns a future at once, and the future's get() returns the result
// of the task or throws its exception.
#include <parallel/io_pool.hpp>

#include <chrono>
#include <future>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

std::string ask(const std::string& host) {
  if (host == "down")
    throw std::runtime_error("down does not answer");
  std::this_thread::sleep_for(std::chrono::milliseconds(20)); // a network call, say
  return host + " is well";
}

int main() {
  parallel::io_pool io;
  std::vector<std::future<std::string>> answers;
  for (const char* host : {"alpha", "down", "gamma"})
    answers.push_back(io.submit([host] { return ask(host); }));
  for (std::future<std::string>& answer : answers) {
    try {
      std::cout << answer.get() << '\n';
    } catch (const std::runtime_error& error) {
      std::cout << error.what() << '\n';
    }
  }
}
