// SPDX-License-Identifier: BSD-3-Clause
// Tries everything that can happen to a few cores that run a protocol, in every order, and looks at every state.
//
//   exploration<hosted> e{.plan = ..., .allowed = {.stops = 1}, .wrong = ..., .unfinished = ...};
//   const exploration_report r = explore(e, {});
//   if (!r.violation.empty()) print(r.transcript);
//
// Subjects are explored by subjects.hpp's explore(), which says what is searched and hands errors back.
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
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <cooper/protocols/exploration.hpp>
#include <cooper/protocols/saved_search.hpp>
#include <cooper/protocols/state_store.hpp>
#include <cooper/protocols/world.hpp>
#include <cooper/vocabulary/assert.hpp>
#include <cooper/vocabulary/error.hpp>

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

namespace detail {

template <protocol P>
class search {
 public:
  search(const exploration<P>& what, const exploration_options& how)
      : what_{what}, how_{how}, now_{what.plan, what.allowed}, next_{now_}, store_{how.bytes_max} {}

  exploration_report run() {
    if (how_.replay != nullptr) return replayed(*how_.replay);
    if (!how_.resume_from.empty()) {
      if (auto good = resume(); !good) {
        report_.not_resumed = good.error();
        return std::move(report_);
      }
    } else {
      now_.write(bytes_);
      store_.insert(bytes_, state_store::none, 0);
      report_.levels.push_back({0, 1});
      if (judge(now_, 0)) return finished();
    }
    while (store_.waiting() != 0) {
      // Nothing of a state is done by halves, so a search can be gone on with here.
      if (store_.size() - store_.waiting() == at_.level_end) {
        ++at_.depth;
        report_.levels.push_back({at_.depth, store_.size() - at_.level_end});
        at_.level_end = store_.size();
      }
      if (!may_go_on()) return paused();
      const auto taken = *store_.take();
      now_.read(taken.bytes);
      state_.assign(taken.bytes.begin(), taken.bytes.end());
      now_.possible(actions_);
      if (std::none_of(actions_.begin(), actions_.end(), is_owed) && !comes_to_rest(taken.which)) return finished();
      if (how_.reduction) keep_enough();
      if (try_all(taken.which)) return finished();
    }
    report_.complete = true;
    return finished();
  }

 private:
  // States between two looks at the clock.
  static constexpr std::uint64_t looks_every = 1024;

  exploration_report finished() {
    report_.states = store_.size();
    report_.expanded = store_.size() - store_.waiting();
    report_.transitions = at_.transitions;
    report_.quiet_states = at_.quiet_states;
    report_.depth = at_.depth;
    report_.bytes = store_.bytes();
    return std::move(report_);
  }
  exploration_report paused() {
    if (!how_.save_to.empty()) {
      const auto done = save_search(how_.save_to, identity(), at_, store_);
      report_.saved = static_cast<bool>(done);
      if (!done) report_.not_saved = done.error();
    }
    return finished();
  }
  bool may_go_on() {
    if (!store_.has_room()) {
      report_.ended_by = "memory: " + std::to_string(how_.bytes_max >> 20) + " MiB";
    } else if (store_.size() >= how_.states_max) {
      report_.ended_by = "states: " + std::to_string(how_.states_max);
    } else if (how_.progress && looks_++ % looks_every == 0) {
      report_.ended_by = how_.progress({store_.size(), store_.waiting(), at_.transitions, at_.depth, store_.bytes()});
    }
    return report_.ended_by.empty();
  }

  std::string identity() const {
    return how_.identity + (how_.reduction ? "" : ", without reduction") + ", at rest after " +
           std::to_string(how_.settle_actions_max) + " actions";
  }
  result<void> resume() {
    const auto at = load_search(how_.resume_from, identity(), store_,
                                [&](std::span<const std::byte> state) { return now_.can_read(state); });
    if (!at) return at.error();
    at_ = *at;
    report_.states_before = store_.size();
    // The same version may have been built from other steps: the way to the first state that waits must lead there.
    if (const auto first = store_.next()) {
      const bool leads_there = !go(store_.actions_to(first->which), nullptr);
      now_.write(bytes_);
      if (!leads_there || !std::equal(bytes_.begin(), bytes_.end(), first->bytes.begin(), first->bytes.end())) {
        return error{errc::malformed_input,
                     "'" + how_.resume_from + "' was saved by a program with other steps. Begin the search anew"};
      }
    }
    return {};
  }

  // From the beginning, in now_. The first action that is not possible where it stands, or after which something is
  // wrong already, ends it: its index.
  std::optional<std::size_t> go(const std::vector<std::uint32_t>& actions, exploration_report* told) {
    now_ = world<P>{what_.plan, what_.allowed};
    // By link: which action sent the lines that are under way. Only the acting core sends; who stops loses all.
    std::vector<std::deque<std::size_t>> senders(told == nullptr ? 0 : now_.cores() * now_.cores());
    for (std::size_t i = 0; i < actions.size(); ++i) {
      const action a = unpacked(actions[i]);
      if (!is_possible(a)) return i;
      if (told == nullptr) {
        now_.act(a);
        continue;
      }
      std::string line = now_.words_of(a);
      const std::size_t before = now_.reports_of(a.core).size();
      std::optional<std::size_t> cause;
      if (a.what == happening::deliver || a.what == happening::duplicate) {
        auto& link = senders[a.of * now_.cores() + a.core];
        cause = link.front();
        if (a.what == happening::deliver) link.pop_front();
      }
      now_.act(a);
      for (std::size_t l = 0; l < senders.size(); ++l) {
        const std::size_t lines = now_.under_way(l / now_.cores(), l % now_.cores());
        senders[l].resize(lines, i);
      }
      for (const auto& said : now_.reports_of(a.core).subspan(before)) line += " => " + P::words_of(said);
      told->actions.push_back(actions[i]);
      told->transcript.push_back(std::move(line));
      told->causes.push_back(cause);
    }
    return {};
  }
  bool is_possible(const action& a) {
    action whole = a;
    whole.sent_before_stop = action::to_its_end;
    now_.possible(actions_);
    if (std::find(actions_.begin(), actions_.end(), whole) == actions_.end()) return false;
    if (a == whole) return true;
    next_ = now_;
    return now_.may_stop_within(whole) && a.sent_before_stop < next_.act(whole);
  }

  exploration_report replayed(const std::vector<std::uint32_t>& actions) {
    report_.not_possible = go(actions, &report_);
    report_.depth = report_.transitions = report_.actions.size();
    report_.states = report_.expanded = report_.depth + 1;
    report_.complete = !report_.not_possible;
    if (report_.not_possible) return std::move(report_);
    if (what_.wrong) report_.violation = what_.wrong(now_);
    if (!report_.violation.empty()) return std::move(report_);
    if (now_.overflowed()) report_.ended_by = overflowed;
    now_.possible(actions_);
    now_.write(state_);
    if (std::none_of(actions_.begin(), actions_.end(), is_owed)) rests();
    return std::move(report_);
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
      ++at_.transitions;
      if (next_.overflowed()) {
        report_.ended_by = overflowed;
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
    ++at_.quiet_states;
    if (rests()) return true;
    tell(store_.actions_to(which), {});
    return false;
  }
  // Whether what follows state_ without faults comes to a good end; if not, how it goes on is told.
  bool rests() {
    if (!what_.unfinished) return true;
    next_.read(state_);
    const bool ends = next_.settle(how_.settle_actions_max, [](const action&) {});
    report_.violation = ends ? what_.unfinished(next_) : "it does not come to rest without faults";
    if (report_.violation.empty()) return true;
    next_.read(state_);
    constexpr std::size_t shown = 12;
    next_.settle(shown, [&](const action& a) { report_.aftermath.push_back(next_.words_of(a)); });
    return false;
  }

  // Goes the way once more, for people.
  void tell(std::vector<std::uint32_t> actions, std::optional<action> last) {
    if (last) actions.push_back(packed(*last));
    const bool known_way = !go(actions, &report_);
    COOPER_ASSERT(known_way, "a state is where its actions lead");
  }

  static constexpr const char* overflowed =
      "a bound: more lines on a link, or reports of a core, than a world has room for";

  const exploration<P>& what_;
  const exploration_options& how_;
  world<P> now_, next_;
  state_store store_;
  std::vector<std::byte> bytes_, state_;
  std::vector<action> actions_;
  search_position at_;
  std::uint64_t looks_ = 0;
  exploration_report report_;
};

}  // namespace detail

template <protocol P>
exploration_report explore(const exploration<P>& what, const exploration_options& how) {
  return detail::search<P>{what, how}.run();
}

}  // namespace cooper::protocols
