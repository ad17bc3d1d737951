// SPDX-License-Identifier: BSD-3-Clause
#include "printer.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <caf/actor_ostream.hpp>
#include <caf/actor_system.hpp>
#include <caf/group_manager.hpp>
#include <caf/send.hpp>

namespace cooper::actors {

caf::behavior printer::make_behavior() {
  return {
      [this](caf::add_atom, caf::actor_id from, std::string& text) {
        if (text.empty() || from == caf::invalid_actor_id) return;
        outputs_[from].line += text;
        flush(from, false);
      },
      [this](caf::flush_atom, caf::actor_id from) { flush(from, true); },
      [this](caf::delete_atom, caf::actor_id from) {
        flush(from, true);
        outputs_.erase(from);
      },
      [this](caf::redirect_atom, const std::string& where, int flags) {
        if (open(where, flags)) all_redirected_to_ = where;
      },
      [this](caf::redirect_atom, caf::actor_id from, const std::string& where, int flags) {
        if (from != caf::invalid_actor_id && open(where, flags)) outputs_[from].redirected_to = where;
      },
  };
}

void printer::flush(caf::actor_id of, bool unfinished_too) {
  const auto found = outputs_.find(of);
  if (found == outputs_.end()) return;
  output& o = found->second;
  if (o.line.empty() || (o.line.back() != '\n' && !unfinished_too)) return;
  const std::string& where = o.redirected_to.empty() ? all_redirected_to_ : o.redirected_to;
  if (const auto to = sinks_.find(where); to != sinks_.end()) {
    to->second(o.line);
  } else {
    std::cout << o.line << std::flush;
  }
  o.line.clear();
}

bool printer::open(const std::string& where, int flags) {
  if (where.empty()) return true;  // back to standard output
  if (sinks_.contains(where)) return true;
  if (where.front() == ':') {
    const caf::group to = system().groups().get_local(where);
    sinks_[where] = [to, where](const std::string& text) { caf::anon_send(to, where, text); };
    return true;
  }
  const bool append = (flags & caf::actor_ostream::append) != 0;
  auto file = std::make_shared<std::ofstream>(where, append ? std::ios::app : std::ios::trunc);
  if (!file->is_open()) {
    fmt::print(stderr, "cooper: aout cannot be redirected to {}: the file cannot be opened for writing\n", where);
    return false;
  }
  sinks_[where] = [file](const std::string& text) { *file << text << std::flush; };
  return true;
}

}  // namespace cooper::actors
