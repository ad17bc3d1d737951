// SPDX-License-Identifier: BSD-3-Clause
// The subcommands of `cooper`: each adds itself to the application and, when it runs, sets the exit code.
#pragma once

namespace CLI {
class App;
}

namespace cooper::tools {

// What `cooper` exits with; scripts rely on it.
enum exit_code : int {
  exit_good = 0,
  exit_check_failed = 1,
  exit_bad_usage = 2,
  exit_failed = 3,
  exit_interrupted = 130
};

void add_topo(CLI::App& app, int& exit);
void add_doctor(CLI::App& app, int& exit);
void add_bench(CLI::App& app, int& exit);
void add_report(CLI::App& app, int& exit);
void add_trace(CLI::App& app, int& exit);
void add_ps(CLI::App& app, int& exit);
void add_top(CLI::App& app, int& exit);
void add_skb(CLI::App& app, int& exit);
void add_explore(CLI::App& app, int& exit);
void add_sim(CLI::App& app, int& exit);

}  // namespace cooper::tools
