// SPDX-License-Identifier: BSD-3-Clause
// The actor behind aout: CAF's own is a thread. It writes whole lines to standard output, or where an actor's output
// was redirected to (a file; a name with a colon in front means a group).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>

#include <caf/event_based_actor.hpp>

namespace cooper::actors {

class printer final : public caf::event_based_actor {
 public:
  explicit printer(caf::actor_config& cfg) : event_based_actor{cfg} {}
  const char* name() const override { return "printer"; }

 protected:
  caf::behavior make_behavior() override;

 private:
  using sink = std::function<void(const std::string&)>;
  struct output {
    std::string line;
    std::string redirected_to;  // a key of sinks_; empty: not redirected
  };

  void flush(caf::actor_id of, bool unfinished_too);
  // Errors are said on standard error, once; output then goes where it went before.
  bool open(const std::string& where, int flags);

  std::unordered_map<caf::actor_id, output> outputs_;
  std::map<std::string, sink> sinks_;
  std::string all_redirected_to_;
};

}  // namespace cooper::actors
