// Question: how much sooner are a few web pages there?
//
// The talk fetched 15 URLs in Python: 14.4 s one by one, then 3.1, 1.4 and 1.3 s with a ThreadPool
// of 4, 8 and 13. Here: libcurl against a real server on loopback whose answers are delayed by a
// tenth of the talk's mean, give or take a third (--latency=0.96 restores the mean); serially, then
// on an io_pool. The ideal is computed from the delays: each page, in order, goes to the thread
// that is free first.
#include "comparison.hpp"
#include "http_get.hpp"
#include "slow_server.hpp"

#include <parallel/io_pool.hpp>
#include <parallel/map.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

/// A page, or why there is none: one failure must not lose the others.
struct answer {
  std::string body;
  std::string problem;
};

answer fetch(const std::string& url) {
  try {
    return {bench::http_get(url), {}};
  } catch (const std::exception& error) {
    return {{}, error.what()};
  }
}

/// The time at which the last of `latencies` ends, if they begin in order on `workers` threads.
double makespan(const std::vector<bench::seconds>& latencies, std::size_t workers) {
  std::vector<double> free_at(workers, 0.0);
  for (const bench::seconds latency : latencies)
    *std::min_element(free_at.begin(), free_at.end()) += latency.count();
  return *std::max_element(free_at.begin(), free_at.end());
}

double total(const std::vector<bench::seconds>& latencies) {
  return std::accumulate(latencies.begin(), latencies.end(), bench::seconds(0)).count();
}

void expect_pages(const std::vector<answer>& answers) {
  for (std::size_t i = 0; i < answers.size(); ++i)
    if (!answers[i].problem.empty() || answers[i].body != bench::page_body(i))
      throw std::runtime_error("page " + std::to_string(i) + ": " +
                               (answers[i].problem.empty() ? "wrong body" : answers[i].problem));
}

/// Fetches with io_pools of 4, 8 and 13 threads, as the talk did, and passes what came to
/// `check`.
template <class Check>
void measure_pools(bench::comparison& table, const std::vector<std::string>& urls,
                   const std::vector<bench::seconds>& latencies, const Check& check) {
  table.measure("fetch/serial", [&] {
    std::vector<answer> answers;
    for (const std::string& url : urls)
      answers.push_back(fetch(url));
    check(answers);
  });
  static constexpr std::array<std::size_t, 3> sizes{4, 8, 13};
  static constexpr std::array<double, 3> talk{3.1, 1.4, 1.3};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::size_t threads = sizes[i];
    const auto io =
        std::make_shared<parallel::io_pool>(parallel::io_pool_options{.max_threads = threads});
    const std::string name = "fetch/io_pool/" + std::to_string(threads);
    table.measure(name, [&, io] { check(parallel::map(*io, urls, fetch)); });
    table.row("io_pool, " + bench::threads_text(threads), "fetch/serial", name,
              total(latencies) / makespan(latencies, threads),
              {.python = "fetch/dummy.Pool/" + std::to_string(threads),
               .talk_serial = 14.4,
               .talk_pooled = talk[i]});
  }
}

/// How many URLs the talk fetched.
constexpr std::size_t few_urls = 15;

/// Serves the talk's URLs to bench/python: prints one a line, then an empty line, and goes on until
/// the standard input ends.
int serve(bench::seconds mean, std::size_t many) {
  const std::size_t few = std::min(few_urls, many);
  const bench::slow_server server(bench::draw_latencies(few, mean, 1));
  for (std::size_t i = 0; i < few; ++i)
    std::printf("%s\n", server.url(i).c_str());
  std::printf("\n");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

/// The talk's 15 URLs on the slow server, and many more on 64 threads.
int fetch_from_own_server(bench::seconds mean, std::size_t many,
                          const bench::comparison_command_line& flags) {
  const std::size_t few = std::min(few_urls, many);
  const auto latencies = bench::draw_latencies(few, mean, 1);
  const auto many_latencies = bench::draw_latencies(many, mean, 2);
  const bench::slow_server server(latencies);
  const bench::slow_server many_server(many_latencies);
  std::vector<std::string> urls;
  std::vector<std::string> many_urls;
  for (std::size_t i = 0; i < many; ++i) {
    if (i < few)
      urls.push_back(server.url(i));
    many_urls.push_back(many_server.url(i));
  }

  bench::comparison table("fetching " + std::to_string(few) + " URLs, " +
                          bench::seconds_text(mean.count()) + " on average");
  measure_pools(table, urls, latencies, expect_pages);
  parallel::io_pool io{{.max_threads = 64}};
  table.assume("fetch/sum_of_latencies", total(many_latencies));
  table.measure("fetch/io_pool/64/many",
                [&] { expect_pages(parallel::map(io, many_urls, fetch)); });
  table.row(std::to_string(many) + " URLs, io_pool, 64 threads", "fetch/sum_of_latencies",
            "fetch/io_pool/64/many", total(many_latencies) / makespan(many_latencies, 64));
  return table.run(flags, 3);
}

/// The user's own URLs. Their latencies are first measured one by one.
int fetch_from_file(const std::string& file, const bench::comparison_command_line& flags) {
  std::ifstream lines(file);
  if (!lines)
    throw std::runtime_error(file + " cannot be read");
  std::vector<std::string> urls;
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r'))
      line.pop_back();
    if (!line.empty() && !line.starts_with('#'))
      urls.push_back(line);
  }
  if (urls.empty())
    throw std::runtime_error(file + " holds no URL");

  std::vector<bench::seconds> latencies;
  std::vector<bool> failed;
  for (const std::string& url : urls) {
    const auto start = std::chrono::steady_clock::now();
    const answer got = fetch(url);
    latencies.push_back(std::chrono::steady_clock::now() - start);
    failed.push_back(!got.problem.empty());
    if (failed.back())
      std::printf("%s: %s\n", url.c_str(), got.problem.c_str());
  }
  const auto failures = static_cast<std::size_t>(std::count(failed.begin(), failed.end(), true));
  std::printf("%zu pages came, %zu URLs failed\n", urls.size() - failures, failures);
  if (failures == urls.size())
    return 1; // nothing to compare
  bench::comparison table("fetching " + std::to_string(urls.size()) + " URLs");
  measure_pools(table, urls, latencies, [&](const std::vector<answer>& answers) {
    for (std::size_t i = 0; i < answers.size(); ++i)
      if (answers[i].problem.empty() == failed[i])
        throw std::runtime_error(urls[i] + " failed in one run and not in another");
  });
  return table.run(flags, 3);
}

} // namespace

int main(int argc, char** argv) try {
  bench::comparison_command_line flags("Fetches web pages: one by one, and on an io_pool.");
  double latency = 0.096;
  std::size_t many = 1'000;
  std::string file;
  flags.add_option("--latency", latency, "mean delay of the own server's answers in seconds")
      ->check(CLI::Range(0.0001, 60.0))
      ->capture_default_str();
  flags.add_option("--many", many, "URLs to fetch on 64 threads")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  flags.add_option("--urls", file, "fetch the URLs in this file instead, one a line")
      ->check(CLI::ExistingFile);
  bool only_serve = false;
  flags.add_flag("--serve", only_serve, "only serve the URLs, until the standard input ends");
  CLI11_PARSE(flags, argc, argv);
  if (only_serve)
    return serve(bench::seconds(latency), many);
  const bench::curl_library curl;
  return file.empty() ? fetch_from_own_server(bench::seconds(latency), many, flags)
                      : fetch_from_file(file, flags);
} catch (const std::exception& error) {
  std::fprintf(stderr, "fetch: %s\n", error.what());
  return 1;
}
