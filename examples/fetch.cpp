// Downloads, 16 at once: a failed one is tried again twice, none is started after a minute, Ctrl-C
// ends them all, and failures are listed. Usage: fetch FILE-WITH-URLS
#include <parallel/parallel.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <curl/curl.h>

std::atomic<bool> interrupted{false}; // lock-free: a signal handler may set it
struct at_interrupt {
  [[nodiscard]] bool stop_requested() const { return interrupted; }
};

/// The library cannot interrupt a running call. So this one has a time-out of its own, and libcurl
/// asks from time to time whether it should go on.
std::string fetch(const std::string& url) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  std::string page;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &page);
  const auto append = [](char* data, std::size_t size, std::size_t count, void* to) {
    static_cast<std::string*>(to)->append(data, size * count);
    return size * count;
  };
  const auto must_end = [](void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) -> int {
    return interrupted ? 1 : 0;
  };
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, +append);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, +must_end);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 10L);
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L); // signals and threads do not mix
  if (const CURLcode code = curl_easy_perform(curl.get()); code != CURLE_OK)
    throw std::runtime_error(curl_easy_strerror(code));
  return page;
}

int main(int count, char** arguments) {
  using namespace std::chrono_literals;
  std::signal(SIGINT, [](int) { interrupted = true; });
  curl_global_init(CURL_GLOBAL_DEFAULT);
  std::ifstream file(count > 1 ? arguments[1] : "/dev/stdin");
  const std::vector<std::string> urls(std::istream_iterator<std::string>(file), {});

  parallel::io_pool io{{.max_threads = 16}};
  parallel::progress_bar bar("fetching");
  const auto pages = parallel::try_map(
      io, urls, fetch,
      {.rate = 500, .retries = 2, .stop = at_interrupt{}, .deadline = 60s, .progress = bar});
  for (std::size_t i = 0; i < urls.size(); ++i)
    try {
      std::cout << urls[i] << ": " << pages[i].value().size() << " bytes\n";
    } catch (const std::exception& error) {
      std::cout << urls[i] << ": " << error.what() << '\n';
    }
}
