// SPDX-License-Identifier: BSD-3-Clause
// Calls, explored: all others call the last core, each as often as there are operations.
#include <array>
#include <set>
#include <utility>
#include <vector>

#include <cooper/protocols/call.hpp>
#include "subjects.hpp"

namespace cooper::protocols {
namespace {

// What the host of a callee answers, and what nobody else is answered.
template <class P>
typename P::payload answer_to(const typename P::payload& asked) {
  return {asked[0] + 1000, asked[1], ~asked[0]};
}

// A call with a host that executes: it takes time, so the answer is something that happens by itself, a line of this
// core to itself; a core that stops may have executed and not answered.
template <class P>
class with_host : public P {
 public:
  using typename P::message;
  using effects_type = effects_of<P>;

  explicit with_host(core_id self) : P{self}, self_{self.value} {}

  void receive(core_id from, const message& m, effects_type& out) {
    if (from.value == self_) {
      P::answer(m.id, m.data, out);
      return;
    }
    host executing{out, core_id{self_}};
    P::receive(from, m, executing);
  }

 private:
  class host final : public effects_type {
   public:
    host(effects_type& out, core_id self) : out_{out}, self_{self} {}
    void send(core_id to, const message& m) override { out_.send(to, m); }
    void publish(const message& m) override { out_.publish(m); }
    void set_timer(std::uint8_t timer, tick after) override { out_.set_timer(timer, after); }
    void cancel_timer(std::uint8_t timer) override { out_.cancel_timer(timer); }
    void report(const typename P::report& what) override {
      out_.report(what);
      if (what.what != P::event::executed) return;
      out_.send(self_, {.id = what.id, .data = answer_to<P>(what.asked), .what = P::kind::answer});
    }

   private:
    effects_type& out_;
    core_id self_;
  };

  std::uint16_t self_;
  std::array<std::uint16_t, 3> unused_{};
};

// I1 to I3 of call.hpp.
template <class P>
std::string wrong(const world<P>& w) {
  using event = typename P::event;
  std::set<std::pair<std::uint16_t, std::uint64_t>> executed;
  for (std::size_t c = 0; c < w.cores(); ++c) {
    std::set<std::uint32_t> ended;
    for (const auto& r : w.reports_of(c)) {
      if (r.what == event::executed) {
        if (!executed.emplace(r.id.caller, r.asked[0]).second) return "a call was executed twice";
        continue;
      }
      if (r.id.caller != c) return "a call ended at a core that had not begun it";
      if (!ended.insert(r.id.sequence).second) return "a call ended twice";
      if (r.what == event::answered && r.answer != answer_to<P>(r.asked)) return "a call got the answer to another";
    }
  }
  // What was answered was executed.
  for (std::size_t c = 0; c < w.cores(); ++c) {
    for (const auto& r : w.reports_of(c)) {
      if (r.what == event::answered && !executed.contains({r.id.caller, r.asked[0]})) {
        return "a call was answered that nobody has executed";
      }
    }
  }
  return {};
}

// I4, as far as the faults allow it.
template <class P>
std::string unfinished(const world<P>& w, const faults& allowed) {
  for (std::size_t c = 0; c < w.cores(); ++c) {
    if (!w.node(c).idle()) return "a call of core " + std::to_string(c) + " does not end";
    if (allowed.stops != 0) continue;
    std::size_t ended = 0;
    for (const auto& r : w.reports_of(c)) {
      if (r.what == P::event::timed_out && allowed.expirations == 0) return "without faults, a call timed out";
      if (r.what != P::event::executed) ++ended;
    }
    if (ended != w.node(c).begun()) return "a call has not ended";
  }
  return {};
}

template <call_bug Planted>
exploration_report explore_with(const subject_options& options, const exploration_options& how) {
  using P = with_host<call<explored_call(Planted)>>;
  exploration<P> e;
  e.allowed = options.allowed;
  const std::size_t callee = options.cores - 1;
  for (std::size_t c = 0; c < options.cores; ++c) {
    e.plan.nodes.emplace_back(core_number(c));
    e.plan.commands.emplace_back();
    // Everybody is answered by the callee, which also speaks to itself.
    e.plan.sends_to[c] = c == callee ? std::uint8_t{0xff} : static_cast<std::uint8_t>(1u << callee);
    for (std::size_t i = 0; c != callee && i < options.operations; ++i) {
      e.plan.commands[c].push_back({"a call", [c, i, callee](P& node, effects_of<P>& out) {
                                      node.begin(core_number(callee), {10 * c + i, c}, 100, out);
                                    }});
    }
  }
  e.wrong = wrong<P>;
  e.unfinished = [&](const world<P>& w) { return unfinished(w, options.allowed); };
  return protocols::explore(e, how);
}

constexpr std::string_view bugs[] = {"execute_twice", "mix_answers", "forgotten_calls", "reused_numbers"};

result<exploration_report> explore_it(const subject_options& options, const exploration_options& how) {
  using enum call_bug;
  if (const auto good = check(call_subject, options); !good) return good.error();
  if (options.planted == bugs[0]) return explore_with<execute_twice>(options, how);
  if (options.planted == bugs[1]) return explore_with<mix_answers>(options, how);
  if (options.planted == bugs[2]) return explore_with<forgotten_calls>(options, how);
  if (options.planted == bugs[3]) return explore_with<reused_numbers>(options, how);
  return explore_with<none>(options, how);
}

}  // namespace

const subject call_subject{
    "call", "one executes what another asks, at most once", bugs, explored_call(call_bug::none).cores, 2, explore_it};

}  // namespace cooper::protocols
