// SPDX-License-Identifier: BSD-3-Clause
// `cooper skb`: questions to the knowledge base, one by one or in a dialogue.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include <sys/stat.h>
#include <unistd.h>

#include <editline/readline.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "commands.hpp"
#include "knowledge.hpp"
#include "options.hpp"
#include "skb_json.hpp"

namespace cooper::tools {
namespace {

namespace fs = std::filesystem;

struct skb_options {
  machine_options machine;
  std::optional<std::string> query, json;
  std::vector<std::string> rules;
  bool remeasure = false;
  std::optional<std::string> why_root;
};

// The whole file, if it may be one of rules.
result<std::string> read_rules(const std::string& path) {
  std::error_code failed;
  if (fs::is_directory(path, failed)) return error{errc::unreadable_input, path + " is a folder"};
  std::ifstream in{path, std::ios::binary};
  std::string all;
  // One byte more than is allowed tells that there is more; the file may be a pipe.
  all.resize(skb::rules_bytes_max + 1);
  if (!in) return error{errc::unreadable_input, path};
  in.read(all.data(), static_cast<std::streamsize>(all.size()));
  if (in.bad()) return error{errc::unreadable_input, path};
  all.resize(static_cast<std::size_t>(in.gcount()));
  if (all.size() > skb::rules_bytes_max) {
    return error{errc::too_large, fmt::format("{}: rules of more than {} bytes", path, skb::rules_bytes_max)};
  }
  return all;
}

// Every mistake is told with its place; with one the file is not installed.
int load_rules(const knowledge& from, const std::string& path) {
  const auto source = read_rules(path);
  if (!source) return report(source.error());
  const auto loaded = from.base->run([&](skb::engine& e) { return e.load_rules(path, *source); });
  if (!loaded) return report(error{loaded.error().code(), path + ": " + loaded.error().detail()});
  for (const auto& m : loaded->mistakes) fmt::print(stderr, "{}:{}: {}\n", path, m.line, m.words);
  if (loaded->mistakes.empty()) return exit_good;
  return report(error{errc::malformed_input,
                      fmt::format("{}: {} mistakes, so none of its rules are used", path, loaded->mistakes.size())});
}

result<skb::answer> asked(const knowledge& from, const std::string& query) {
  return from.base->run([&](skb::engine& e) { return e.ask_text(query); });
}

// A line a row, as one would write it; a word where there is nothing to name.
std::string as_text(const skb::answer& got) {
  if (got.rows.empty()) return "no\n";
  std::string out;
  for (const auto& row : got.rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format("{}{} = {}", line.empty() ? "" : ", ", got.names[i], row[i].to_text());
    }
    out += line.empty() ? "yes" : line;
    out += '\n';
    // Without names one row says all.
    if (line.empty()) break;
  }
  return out;
}

// -- the dialogue -----------------------------------------------------------------------------------------------------

fs::path history_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if (state != nullptr && *state == '/') return fs::path{state} / "cooper" / "skb_history";
  if (home != nullptr && *home == '/') return fs::path{home} / ".local" / "state" / "cooper" / "skb_history";
  return {};
}

constexpr int history_max = 1000;

// What was asked before; without a file that can be written there is none.
class history {
 public:
  history() : file_{history_file()} {
    using_history();
    stifle_history(history_max);
    if (!file_.empty()) read_history(file_.c_str());
  }
  ~history() {
    if (file_.empty()) return;
    std::error_code failed;
    fs::create_directories(file_.parent_path(), failed);
    // Questions are nobody else's.
    const mode_t before = ::umask(0077);
    write_history(file_.c_str());
    ::umask(before);
  }
  history(const history&) = delete;
  history& operator=(const history&) = delete;
  void add(const char* line) { add_history(line); }

 private:
  fs::path file_;
};

int converse(const knowledge& from) {
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  std::optional<history> past;
  if (terminal) {
    past.emplace();
    fmt::print("Ask one goal a line, such as pu(P, Os, Core) or why(0, [1,2], W). Control-D ends.\n");
  }
  int exit = exit_good;
  const auto answer_to = [&](const std::string& line) {
    if (line.find_first_not_of(" \t.") == std::string::npos) return;
    const auto got = asked(from, line);
    if (got) {
      fmt::print("{}", as_text(*got));
    } else {
      const int failed = report(got.error());
      // A dialogue goes on; a script hears of it at the end.
      if (!terminal) exit = failed;
    }
    std::fflush(stdout);
  };
  if (terminal) {
    while (char* line = readline("?- ")) {
      if (*line != '\0') past->add(line);
      answer_to(line);
      std::free(line);
    }
    fmt::print("\n");
  } else {
    std::string line;
    for (int c = std::getchar();; c = std::getchar()) {
      if (c != '\n' && c != EOF) {
        // The engine refuses what is longer; no more of it is kept.
        if (line.size() <= skb::query_bytes_max) line += static_cast<char>(c);
        continue;
      }
      answer_to(line);
      line.clear();
      if (c == EOF) break;
    }
  }
  if (const auto done = finish_stdout(); !done) return report(done.error());
  return exit;
}

// -- one question -----------------------------------------------------------------------------------------------------

int answer_once(const knowledge& from, const std::string& query, const std::optional<output>& json) {
  const auto got = asked(from, query);
  if (!got) return report(got.error());
  if (json) {
    if (const auto written = json->commit(boost::json::serialize(json_of(*got)) + "\n"); !written) {
      return report(written.error());
    }
    if (json->is_stdout()) return exit_good;
  }
  fmt::print("{}", as_text(*got));
  if (const auto done = finish_stdout(); !done) return report(done.error());
  return exit_good;
}

int explain(const knowledge& from, const topology& where, const skb_options& options) {
  const auto root = select_cores(where, *options.why_root, false);
  if (!root) return report(root.error());
  const auto members = select_cores(where, options.machine.cores, false);
  if (!members) return report(members.error());
  const auto said = from.base->why(root->front(), *members);
  if (!said) return report(said.error());
  fmt::print("{}\n", *said);
  if (!from.costs.empty()) fmt::print("({})\n", from.costs);
  if (const auto done = finish_stdout(); !done) return report(done.error());
  return exit_good;
}

int run_skb(const skb_options& options) {
  const auto json = open_output(options.json);
  if (!json) return report(json.error());
  if (options.json && !options.query) return report({errc::bad_option, "--json needs a question: -q QUERY"});
  const auto where = load_topology(options.machine);
  if (!where) return report(where.error());
  const auto opened = open_knowledge(*where, options.remeasure);
  if (!opened) return report(opened.error());
  print_warnings(*opened);
  if (!opened->base->has_engine() && !options.why_root) return report(errc::engine_unavailable);
  for (const std::string& file : options.rules) {
    if (const int failed = load_rules(*opened, file); failed != exit_good) return failed;
  }
  if (options.why_root) return explain(*opened, *where, options);
  if (options.query) return answer_once(*opened, *options.query, *json);
  return converse(*opened);
}

}  // namespace

void add_skb(CLI::App& app, int& exit) {
  auto* skb =
      app.add_subcommand("skb", "Ask the knowledge base: what this machine is, what it costs, how to reach everyone");
  auto options = std::make_shared<skb_options>();
  add_machine_options(*skb, options->machine);
  skb->add_option("-q,--query", options->query, "One question, a goal; without it, a dialogue")->type_name("GOAL");
  add_json_option(*skb, options->json);
  skb->add_option("--rules", options->rules, "Read rules of yours before; may be given more than once")
      ->type_name("FILE");
  skb->add_flag("--remeasure", options->remeasure, "Measure the links again instead of using what is known");
  auto* why = skb->add_subcommand("why", "Explain the tree from one PU to all chosen cores in a sentence");
  why->add_option_function<std::string>(
         "ROOT", [options](const std::string& root) { options->why_root = root; }, "The root's PU number")
      ->required();
  why->fallthrough();
  skb->footer(
      "Examples:\n"
      "  cooper skb -q 'pu_place(PU, Core, L2, L3, Package, Node)'\n"
      "  cooper skb -q 'place_class(0, 1, Class)' --json -\n"
      "  cooper skb --rules mine.pl\n"
      "  cooper skb why 0 --synthetic 'package:4 l3:1 core:4 pu:1'");
  skb->callback([options, &exit] { exit = run_skb(*options); });
}

}  // namespace cooper::tools
