// SPDX-License-Identifier: BSD-3-Clause
// What the commands that look at a running machine share: which one, and waiting that an interrupt ends.
#pragma once

#include <csignal>
#include <string>
#include <vector>

#include <cooper/runtime/control.hpp>
#include <cooper/vocabulary/error.hpp>

namespace cooper::tools {

// As the command line names it: the process, and its index if the process has several.
std::string name_of_machine(const running_machine& one);
// Whom to ask: as given (process or path), or the only machine of this user. `none`: what to say if there is none.
result<std::string> choose_machine(const std::string& given, const std::string& none);

// While it exists, SIGINT ends the waiting and not the process: what was gathered is still written.
class interruptible {
 public:
  interruptible();
  ~interruptible();
  interruptible(const interruptible&) = delete;
  interruptible& operator=(const interruptible&) = delete;

 private:
  struct sigaction former_ {};
};

// Whether SIGINT came since the latest `interruptible` began.
bool was_interrupted() noexcept;
// Returns early if it came.
void wait_seconds(double seconds);

}  // namespace cooper::tools
