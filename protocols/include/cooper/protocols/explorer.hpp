// SPDX-License-Identifier: BSD-3-Clause
// Tries everything that can happen to a few cores that run a protocol, in every order, and looks at every state.
//
//   exploration<hosted> e{.plan = ..., .allowed = {.stops = 1}, .wrong = ..., .unfinished = ...};
//   const exploration_report r = explore(e, {});
//   if (!r.violation.empty()) print(r.transcript);
//
// The search is breadth first, so the first violation found is one of the shortest. Every new state is shown to
// `wrong`. From every state in which all lines have arrived, what follows without further faults must come to rest, and
// is then shown to `unfinished`: that is how what never ends is found.
//
// Reduction: in a state where one core's next steps depend on nobody else's (world::stands_alone), report nothing, and
// lead to something new, the other cores' steps are left for later, since they can be exchanged with those: ample sets,
// with the proviso for searches in breadth (Peled, CAV 1993; Bosnacki, Leue, Lluch Lafuente, SPIN 2006). So `wrong` and
// `unfinished` look at what was reported and begun, not at nodes: intermediate states of nodes may be left out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <cooper/protocols/state_store.hpp>
#include <cooper/protocols/world.hpp>

namespace cooper::protocols {

template <protocol P>
struct exploration {
  typename world<P>::script plan;
  faults allowed;
  // What is wrong in a state, in words; empty: nothing.
  std::function<std::string(const world<P>&)> wrong;
  // What ought to have happened, where nothing is left to happen.
  std::function<std::string(const world<P>&)> unfinished;
};

struct exploration_options {
  std::size_t states_max = std::size_t{1} << 31;
  std::size_t bytes_max = std::size_t{2} << 30;  // of memory for states
  bool reduction = true;
  std::size_t settle_actions_max = 1000;
  // Now and then, with the states met and those that wait; false gives up.
  std::function<bool(std::uint64_t states, std::uint64_t waiting)> progress;
};

struct exploration_report {
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  std::uint64_t quiet_states = 0;  // from which rest was looked for
  std::size_t bytes = 0;
  bool complete = false;
  std::string ended_by;                 // what kept it from being complete; empty if it is, or if a violation ended it
  std::string violation;                // in words; empty: none was found
  std::vector<std::uint32_t> actions;   // that led there, packed()
  std::vector<std::string> transcript;  // the same for people: a line an action
};

namespace detail {

template <protocol P>
class search {
 public:
  search(const exploration<P>& what, const exploration_options& how)
      : what_{what}, how_{how}, now_{what.plan, what.allowed}, next_{now_} {}

  exploration_report run() {
    now_.write(bytes_);
    store_.insert(bytes_, state_store::none, 0);
    if (judge(now_, 0)) return finished();
    while (const auto taken = store_.take()) {
      if ((++expanded_ & 0xffff) == 0 && !may_go_on()) return finished();
      now_.read(taken->bytes);
      state_.assign(taken->bytes.begin(), taken->bytes.end());
      now_.possible(actions_);
      if (std::none_of(actions_.begin(), actions_.end(), is_owed) && !comes_to_rest(taken->which)) return finished();
      if (how_.reduction) keep_enough();
      if (try_all(taken->which)) return finished();
    }
    report_.complete = true;
    return finished();
  }

 private:
  exploration_report finished() {
    report_.states = store_.size();
    report_.bytes = store_.bytes();
    return std::move(report_);
  }
  bool may_go_on() {
    if (store_.bytes() > how_.bytes_max) {
      report_.ended_by = "memory: " + std::to_string(how_.bytes_max >> 20) + " MiB";
    } else if (store_.size() > how_.states_max) {
      report_.ended_by = "states: " + std::to_string(how_.states_max);
    } else if (how_.progress && !how_.progress(store_.size(), store_.waiting())) {
      report_.ended_by = "interrupted";
    }
    return report_.ended_by.empty();
  }

  // Leaves one core's actions only, where those may go before everything else.
  void keep_enough() {
    const auto all = actions_.end();
    for (auto begin = actions_.begin(); begin != all;) {
      const auto end = std::find_if(begin, all, [&](const action& a) { return a.core != begin->core; });
      if ((begin != actions_.begin() || end != all) && is_enough({begin, end})) {
        actions_ = {begin, end};
        return;
      }
      begin = end;
    }
  }

  // Whether these, all that one core can do, may go before everything else.
  bool is_enough(std::span<const action> some) {
    const std::uint8_t core = some.front().core;
    if (!now_.stands_alone(core)) return false;
    bool leads_on = false;
    for (const action& a : some) {
      next_.read(state_);
      next_.act(a);
      if (next_.reports_of(core).size() != now_.reports_of(core).size() || next_.begun(core) != now_.begun(core)) {
        return false;
      }
      next_.write(bytes_);
      leads_on = leads_on || !store_.contains(bytes_);
    }
    return leads_on;
  }

  // True: the search ends.
  bool try_all(state_store::number from) {
    for (std::size_t i = 0; i < actions_.size(); ++i) {
      const action a = actions_[i];
      next_.read(state_);
      const std::size_t sent = next_.act(a);
      if (a.sent_before_stop == action::to_its_end && now_.may_stop_within(a)) {
        for (std::size_t n = 0; n < sent; ++n) {
          actions_.push_back({a.what, a.core, a.of, static_cast<std::uint8_t>(n)});
        }
      }
      ++report_.transitions;
      if (next_.overflowed()) {
        report_.ended_by = "a bound: more lines on a link, or reports of a core, than a world has room for";
        tell(store_.actions_to(from), a);
        return true;
      }
      next_.write(bytes_);
      const auto number = store_.insert(bytes_, from, packed(a));
      if (number && judge(next_, *number)) return true;
    }
    return false;
  }

  bool judge(const world<P>& state, state_store::number which) {
    if (!what_.wrong) return false;
    report_.violation = what_.wrong(state);
    if (report_.violation.empty()) return false;
    tell(store_.actions_to(which), {});
    return true;
  }

  bool comes_to_rest(state_store::number which) {
    if (!what_.unfinished) return true;
    ++report_.quiet_states;
    next_.read(state_);
    const bool rests = next_.settle(how_.settle_actions_max, [](const action&) {});
    report_.violation = rests ? what_.unfinished(next_) : "it does not come to rest without faults";
    if (report_.violation.empty()) return true;
    tell(store_.actions_to(which), {});
    // And what follows by itself, as far as it fits.
    next_.read(state_);
    constexpr std::size_t shown = 12;
    report_.transcript.push_back("-- without further faults:");
    next_.settle(shown, [&](const action& a) { report_.transcript.push_back(next_.words_of(a)); });
    return false;
  }

  // Goes the way once more, for people.
  void tell(std::vector<std::uint32_t> actions, std::optional<action> last) {
    if (last) actions.push_back(packed(*last));
    report_.actions = actions;
    world<P> replayed{what_.plan, what_.allowed};
    for (const std::uint32_t each : actions) {
      const action a = unpacked(each);
      std::string line = replayed.words_of(a);
      const std::size_t before = replayed.reports_of(a.core).size();
      replayed.act(a);
      for (const auto& said : replayed.reports_of(a.core).subspan(before)) line += " => " + P::words_of(said);
      report_.transcript.push_back(std::move(line));
    }
  }

  const exploration<P>& what_;
  const exploration_options& how_;
  world<P> now_, next_;
  state_store store_;
  std::vector<std::byte> bytes_, state_;
  std::vector<action> actions_;
  std::uint64_t expanded_ = 0;
  exploration_report report_;
};

}  // namespace detail

template <protocol P>
exploration_report explore(const exploration<P>& what, const exploration_options& how) {
  return detail::search<P>{what, how}.run();
}

}  // namespace cooper::protocols
