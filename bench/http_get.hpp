// One HTTP GET with libcurl, which blocks as Python's urlopen does.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace bench {

/// libcurl's global state: one object in main(), before the first http_get().
struct curl_library {
  curl_library() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
      throw std::runtime_error("libcurl cannot start");
  }
  curl_library(const curl_library&) = delete;
  curl_library& operator=(const curl_library&) = delete;
  ~curl_library() { curl_global_cleanup(); }
};

/// The body of `url`, with redirections followed. Throws std::runtime_error, saying what happened,
/// for a status other than 200 and when no answer has come within a minute.
inline std::string http_get(const std::string& url) {
  struct cleanup {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  const std::unique_ptr<CURL, cleanup> handle(curl_easy_init());
  if (!handle)
    throw std::bad_alloc();
  std::string body;
  const auto append = +[](char* data, std::size_t size, std::size_t count, void* to) {
    static_cast<std::string*>(to)->append(data, size * count);
    return size * count;
  };
  curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(handle.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L); // signals and threads do not mix
  curl_easy_setopt(handle.get(), CURLOPT_NOPROXY, "127.0.0.1");
  if (const CURLcode code = curl_easy_perform(handle.get()); code != CURLE_OK)
    throw std::runtime_error(curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 200)
    throw std::runtime_error("status " + std::to_string(status));
  return body;
}

} // namespace bench
