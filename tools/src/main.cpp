// SPDX-License-Identifier: BSD-3-Clause
// The `cooper` command: registers the subcommands, and turns every way of ending into one of five exit codes.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "options.hpp"

namespace {

using namespace cooper;
using namespace cooper::tools;

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(sub->get_name());
  return names;
}

// CLI11 would call a misspelt subcommand an unexpected argument.
bool is_unknown(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return false;
  const std::string word = argv[1];
  const auto names = subcommand_names(app);
  if (std::find(names.begin(), names.end(), word) != names.end()) return false;
  std::string detail = "no subcommand '" + word.substr(0, 80) + "'.";
  if (const auto meant = nearest_name(word, names)) detail += " Did you mean '" + *meant + "'?";
  detail += " There are:";
  for (const auto& name : names) detail += " " + name;
  report({errc::unknown_name, detail});
  return true;
}

int run(int argc, char** argv) {
  CLI::App app{"Cooper: a multikernel in a Linux process. Measures how this machine's cores talk.", "cooper"};
  app.set_version_flag("--version", std::string{"cooper "} + COOPER_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  cooper topo              what this machine is\n"
      "  cooper doctor            what on it will spoil latency\n"
      "  cooper report            measure it, and write report/index.html\n"
      "Exit codes: 0 good, 1 a check failed, 2 bad usage or unusable files, 3 operating failure, 130 interrupted.");
  int exit = exit_good;
  add_topo(app, exit);
  add_doctor(app, exit);
  add_bench(app, exit);
  add_report(app, exit);
  add_trace(app, exit);
  add_ps(app, exit);
  add_top(app, exit);
  add_skb(app, exit);
  add_explore(app, exit);
  add_sim(app, exit);

  if (argc < 2) {
    std::fputs(app.help().c_str(), stderr);
    return exit_bad_usage;
  }
  if (is_unknown(app, argc, argv)) return exit_bad_usage;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    // Help and version are "errors" with code 0; all real ones are bad usage to us.
    if (app.exit(e) != 0) return exit_bad_usage;
  }
  if (auto flushed = finish_stdout(); !flushed) {
    const int code = report(flushed.error());
    return exit == exit_good ? code : exit;
  }
  return exit;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return report({errc::out_of_memory});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cooper: %s\n", e.what());
    return exit_failed;
  }
}
