// A real HTTP server on loopback that takes its time: page i is answered after latency i.
//
// GNU libmicrohttpd with a thread for each connection, so that the server never limits how many
// requests are under way. It runs in the process of fetch.cpp.
#pragma once

#include <microhttpd.h>
#include <netinet/in.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

using seconds = std::chrono::duration<double>;

/// `count` latencies of mean `mean` exactly, spread from about two thirds of it to four thirds (of
/// the talk's, only the sum is known). The same for the same seed, everywhere.
inline std::vector<seconds> draw_latencies(std::size_t count, seconds mean, unsigned seed) {
  std::mt19937 random(seed); // its sequence is standard
  std::vector<double> drawn(count);
  double sum = 0;
  for (double& one : drawn)
    sum += one = 2.0 / 3 + static_cast<double>(random() % 100'000) / 150'000;
  std::vector<seconds> latencies;
  for (const double one : drawn)
    latencies.push_back(mean * (one * static_cast<double>(count) / sum));
  return latencies;
}

/// What page `i` holds: about a kilobyte that says which page it is.
inline std::string page_body(std::size_t i) {
  std::string body = "page " + std::to_string(i) + "\n";
  while (body.size() < 1024)
    body += "All work and no play makes page " + std::to_string(i) + " a dull page.\n";
  return body;
}

class slow_server {
 public:
  explicit slow_server(std::vector<seconds> latencies)
      : latencies_(std::move(latencies)),
        daemon_(MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0,
                                 nullptr, nullptr, &slow_server::answer, this, MHD_OPTION_SOCK_ADDR,
                                 loopback(), MHD_OPTION_END)) {
    if (daemon_ == nullptr)
      throw std::runtime_error("the HTTP server cannot start on loopback");
  }
  slow_server(const slow_server&) = delete;
  slow_server& operator=(const slow_server&) = delete;
  ~slow_server() { MHD_stop_daemon(daemon_); }

  [[nodiscard]] std::string url(std::size_t page) const {
    const auto* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT);
    return "http://127.0.0.1:" + std::to_string(info->port) + "/" + std::to_string(page);
  }

 private:
  static const sockaddr* loopback() {
    static const sockaddr_in address = [] {
      sockaddr_in any_port{};
      any_port.sin_family = AF_INET;
      any_port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      return any_port;
    }();
    return reinterpret_cast<const sockaddr*>(&address);
  }

  static MHD_Result answer(void* self, MHD_Connection* connection, const char* url, const char*,
                           const char*, const char*, std::size_t*, void**) {
    const auto& latencies = static_cast<slow_server*>(self)->latencies_;
    char* end = nullptr;
    const unsigned long page = std::strtoul(url + 1, &end, 10);
    const bool known = end != url + 1 && *end == '\0' && page < latencies.size();
    if (known)
      std::this_thread::sleep_for(latencies[page]);
    std::string body = known ? page_body(page) : "no such page\n";
    MHD_Response* response =
        MHD_create_response_from_buffer(body.size(), body.data(), MHD_RESPMEM_MUST_COPY);
    const MHD_Result queued =
        MHD_queue_response(connection, known ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND, response);
    MHD_destroy_response(response);
    return queued;
  }

  std::vector<seconds> latencies_;
  MHD_Daemon* daemon_;
};

} // namespace bench
