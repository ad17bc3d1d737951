// SPDX-License-Identifier: BSD-3-Clause
// A subcommand as it is typed: parsed by CLI11 like main() does, with what it prints and its exit code as results.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "scratch.hpp"

namespace cooper::test {

struct outcome {
  int exit = -1;
  std::string out, err;
};

// What is written to a file descriptor goes to a file meanwhile.
class redirected {
 public:
  redirected(int which, const std::string& file) : which_{which} {
    std::fflush(nullptr);
    kept_ = ::dup(which);
    std::FILE* to = std::fopen(file.c_str(), "w");
    REQUIRE(to != nullptr);
    ::dup2(::fileno(to), which);
    std::fclose(to);
  }
  ~redirected() {
    std::fflush(nullptr);
    ::dup2(kept_, which_);
    ::close(kept_);
  }
  redirected(const redirected&) = delete;
  redirected& operator=(const redirected&) = delete;

 private:
  int which_, kept_;
};

// The words begin with the subcommand's name; `folder` takes the output on its way.
inline outcome typed(std::vector<void (*)(CLI::App&, int&)> subcommands, const scratch_folder& folder,
                     std::vector<std::string> words) {
  CLI::App app{"test", "cooper"};
  outcome got;
  for (const auto add : subcommands) add(app, got.exit);
  // CLI11 takes words from the back.
  std::reverse(words.begin(), words.end());
  {
    const redirected out{STDOUT_FILENO, folder / "out"}, err{STDERR_FILENO, folder / "err"};
    try {
      app.parse(words);
    } catch (const CLI::ParseError&) {
      // As main() has it.
      got.exit = tools::exit_bad_usage;
    }
  }
  got.out = content_of(folder / "out");
  got.err = content_of(folder / "err");
  return got;
}

}  // namespace cooper::test
