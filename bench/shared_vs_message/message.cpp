// SPDX-License-Identifier: BSD-3-Clause
// Calls to one server core, which updates lines that only it touches. A call is a line there and a line back, over the
// product's channel; the server polls its clients in turn.
#include <algorithm>
#include <deque>

#include <cooper/runtime/native_environment.hpp>

#include "links/cooper_channel.hpp"
#include "shared_vs_message/shared_vs_message.hpp"
#include "support/measure.hpp"

namespace cooper::bench::shared_vs_message {
namespace {

constexpr std::uint64_t pipeline_depth = 16;

// The server is member 0, its clients are members 1 to n - 1.
class delegation {
 public:
  delegation(std::size_t clients, std::size_t lines, std::uint64_t depth) : lines_{lines}, depth_{depth} {
    for (std::size_t i = 0; i < clients; ++i) links_.emplace_back(std::size_t{32});
    state_.resize(clients);
  }

  std::size_t clients() const { return links_.size(); }
  void prepare_server() {
    for (cooper_channel& link : links_) link.second().prepare();
  }
  void prepare_client(std::size_t i) { links_[i].first().prepare(); }

  // Serves `count` calls of every client.
  void serve(std::uint64_t count) {
    for (std::uint64_t left = count * links_.size(); left != 0;) {
      for (cooper_channel& link : links_) {
        cooper_channel::end& end = link.second();
        const std::uint64_t* request = end.observe();
        if (request == nullptr) continue;
        const std::uint64_t sequence = request[0];
        end.release();
        for (std::size_t i = 0; i < lines_; ++i) ++owned_[i].value;
        std::uint64_t* reply;
        while ((reply = end.claim()) == nullptr) {}
        stamp(reply, sequence);
        end.publish();
        --left;
      }
    }
  }

  // Nanoseconds that this client's `count` calls took.
  double call(std::size_t client, std::uint64_t count) {
    cooper_channel::end& end = links_[client].first();
    client_state& me = state_[client];
    const instant begin = native::now();
    const std::uint64_t last = me.replied + count;
    while (me.replied != last) {
      while (me.asked != last && me.asked - me.replied < depth_) {
        std::uint64_t* request = end.claim();
        if (request == nullptr) break;
        stamp(request, ++me.asked);
        end.publish();
      }
      const std::uint64_t* reply = end.observe();
      if (reply == nullptr) continue;
      me.errors |= stamp_error(reply, ++me.replied);
      end.release();
    }
    return static_cast<double>((native::now() - begin).count());
  }

  bool intact() const {
    std::uint64_t calls = 0, errors = 0;
    for (const client_state& c : state_) {
      calls += c.replied;
      errors |= c.errors;
    }
    return errors == 0 && owned_[0].value == calls;
  }

 private:
  struct alignas(destructive_bytes) client_state {
    std::uint64_t asked = 0, replied = 0, errors = 0;
  };
  struct alignas(line_bytes) owned_line {
    std::uint64_t value = 0;
  };

  std::size_t lines_;
  std::uint64_t depth_;
  std::deque<cooper_channel> links_;
  std::vector<client_state> state_;
  owned_line owned_[lines_max];
};

void measure_calls(run& r, const contender& self, std::uint64_t depth) {
  measure_all(r, self, 2, [&r, depth](std::size_t k, std::size_t cores, const sampling_plan& plan, row& into) {
    delegation calls{cores - 1, k, depth};
    r.threads().lead([&](session& on) {
      on.run([&](std::size_t member) {
        if (member == 0) calls.prepare_server();
      });
      on.run([&](std::size_t member) {
        if (member != 0 && member <= calls.clients()) calls.prepare_client(member - 1);
      });
      const timed_operations all_call = [&](std::uint64_t count) {
        std::vector<double> ns(on.size(), 0);
        on.run([&](std::size_t member) {
          if (member == 0) calls.serve(count);
          if (member != 0 && member <= calls.clients()) ns[member] = calls.call(member - 1, count);
        });
        double total = 0;
        for (const double t : ns) total += t;
        return total / static_cast<double>(calls.clients());
      };
      sample_windows(on, r.floor(), all_call, {}, plan, into);
    });
    if (!calls.intact()) into.error = damaged;
  });
}

}  // namespace

void measure_message(run& r, const contender& self) { measure_calls(r, self, 1); }
void measure_message_pipelined(run& r, const contender& self) { measure_calls(r, self, pipeline_depth); }

}  // namespace cooper::bench::shared_vs_message
