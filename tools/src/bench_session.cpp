// SPDX-License-Identifier: BSD-3-Clause
#include "bench_session.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdio>

#include <fmt/format.h>

#include "options.hpp"
#include "support/context.hpp"
#include "support/interrupt.hpp"
#include "support/results.hpp"

namespace cooper::tools {
namespace {

// One line on the terminal that is overwritten by the next and leaves nothing behind.
class progress_line {
 public:
  explicit progress_line(std::size_t total) : total_{total}, shown_{::isatty(STDERR_FILENO) == 1} {}
  ~progress_line() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;

  void show(const std::string& what) {
    // A contender with parts says each of them; it counts once.
    const bool part = what.starts_with(last_ + '/');
    if (!part) {
      ++done_;
      last_ = what;
    }
    if (!shown_) return;
    std::fprintf(stderr, "\r\033[K[%zu/%zu] %.100s", std::min(done_, total_), total_, what.c_str());
    std::fflush(stderr);
  }

 private:
  std::size_t total_;
  bool shown_;
  std::size_t done_ = 0;
  std::string last_ = "?";
};

}  // namespace

result<std::vector<bench::selection>> select_benchmarks(const std::vector<std::string>& names) {
  std::vector<bench::selection> chosen;
  for (const std::string& name : names) {
    if (const auto found = bench::select(name)) {
      chosen.push_back(*found);
      continue;
    }
    std::string detail = "no benchmark '" + name.substr(0, 80) + "'";
    if (const auto meant = nearest_name(name, bench::all_names())) detail += "; did you mean '" + *meant + "'?";
    return error{errc::unknown_name, detail + " 'cooper bench --list' lists all"};
  }
  return chosen;
}

result<session_results> run_session(const topology& where, const session_options& options,
                                    const std::vector<bench::selection>& what) {
  auto cores = select_cores(where, options.cores, false);
  if (!cores) return cores.error();
  std::size_t contenders = 0;
  for (const bench::selection& s : what) contenders += s.only != nullptr ? 1 : s.what->contenders.size();
  const bench::interrupt_guard guard;
  progress_line line{contenders};
  bench::run run{{.where = &where,
                  .cores = *cores,
                  .seconds = options.seconds,
                  .smoke = options.smoke,
                  .pairs = options.pairs,
                  .claim = options.claim,
                  .progress = [&line](const std::string& now) { line.show(now); }}};
  boost::json::object context = bench::describe_context(run.options());
  for (const bench::selection& s : what) {
    if (!bench::interrupted()) run.measure(s);
  }
  session_results results;
  results.rows = run.finish();
  results.interrupted = bench::interrupted();
  results.json = bench::results_json(std::move(context), run, results.rows);
  results.warnings = bench::warnings_of(results.rows, run.threads().pinned());
  return results;
}

result<void> check_seconds(double seconds) {
  if (std::isfinite(seconds) && seconds >= 0.01 && seconds <= 3600) return {};
  return error{errc::bad_option, fmt::format("--time {} is not between 0.01 and 3600 seconds", seconds)};
}

}  // namespace cooper::tools
