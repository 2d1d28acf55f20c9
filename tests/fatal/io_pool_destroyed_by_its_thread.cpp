// Must end with a message: a task destroys the io_pool that runs it.
#include <parallel/io_pool.hpp>

#include <memory>

int main() {
  auto io = std::make_unique<parallel::io_pool>();
  io->submit([&] { io.reset(); }).wait();
}
