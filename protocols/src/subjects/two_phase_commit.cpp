// SPDX-License-Identifier: BSD-3-Clause
// Two-phase commit, explored: operations on one key, begun by as many cores, among all of them.
#include <algorithm>
#include <vector>

#include <cooper/protocols/two_phase_commit.hpp>
#include "subjects.hpp"

namespace cooper::protocols {
namespace {

constexpr std::uint64_t key = 5;

template <class P>
bool has(const world<P>& w, std::size_t core, const operation_id& op, typename P::event what) {
  for (const auto& r : w.reports_of(core)) {
    if (r.op == op && r.what == what) return true;
  }
  return false;
}

template <class P>
bool anywhere(const world<P>& w, const operation_id& op, typename P::event what) {
  for (std::size_t c = 0; c < w.cores(); ++c) {
    if (has(w, c, op, what)) return true;
  }
  return false;
}

template <class P>
bool everywhere(const world<P>& w, const operation_id& op, typename P::event what) {
  for (std::size_t c = 0; c < w.cores(); ++c) {
    if (!has(w, c, op, what)) return false;
  }
  return true;
}

// The changes that a core has made, in order.
template <class P>
std::vector<operation_id> made_by(const world<P>& w, std::size_t core) {
  std::vector<operation_id> all;
  for (const auto& r : w.reports_of(core)) {
    if (r.what == P::event::made) all.push_back(r.op);
  }
  return all;
}

// I1 to I4 of two_phase_commit.hpp, as far as reports show them.
template <class P>
std::string wrong(const world<P>& w) {
  using event = typename P::event;
  for (std::size_t c = 0; c < w.cores(); ++c) {
    for (const auto& r : w.reports_of(c)) {
      const bool commit = anywhere(w, r.op, event::committed);
      if (commit && anywhere(w, r.op, event::aborted)) return "an operation was committed and aborted";
      if (commit && anywhere(w, r.op, event::dropped)) return "an operation was committed, and a core dropped it";
      if (!commit && r.what == event::made) return "a core made a change that nobody has committed";
      if (r.what == event::finished && commit && !everywhere(w, r.op, event::made)) {
        return "an operation is finished, and a core has not made its change";
      }
    }
  }
  for (std::size_t a = 0; a < w.cores(); ++a) {
    const auto first = made_by(w, a);
    for (std::size_t i = 0; i < first.size(); ++i) {
      for (std::size_t j = i + 1; j < first.size(); ++j) {
        if (first[i] == first[j]) return "a core made a change twice";
        for (std::size_t b = 0; b < w.cores(); ++b) {
          const auto second = made_by(w, b);
          const auto one = std::find(second.begin(), second.end(), first[i]);
          const auto other = std::find(second.begin(), second.end(), first[j]);
          if (other < one && one != second.end()) return "two cores made two changes in different orders";
        }
      }
    }
  }
  return {};
}

template <two_phase_bug Planted>
exploration_report explore_with(const subject_options& options, const exploration_options& how) {
  using P = two_phase_commit<explored_two_phase(Planted)>;
  exploration<P> e;
  e.allowed = options.allowed;
  for (std::size_t c = 0; c < options.cores; ++c) {
    e.plan.nodes.emplace_back(core_number(c));
    e.plan.commands.emplace_back();
    if (c >= options.operations) continue;
    e.plan.commands[c].push_back(
        {"an operation among all",
         [all = P::participants::first(options.cores)](P& node, effects_of<P>& out) { node.begin(key, all, out); }});
  }
  // Participants speak to coordinators only.
  const auto coordinators = static_cast<std::uint8_t>((1u << options.operations) - 1);
  for (std::size_t c = options.operations; c < options.cores; ++c) e.plan.sends_to[c] = coordinators;
  e.wrong = wrong<P>;
  e.unfinished = [](const world<P>& w) -> std::string {
    for (std::size_t c = 0; c < w.cores(); ++c) {
      if (!w.node(c).idle()) return "core " + std::to_string(c) + " waits for what does not come";
    }
    return {};
  };
  return protocols::explore(e, how);
}

constexpr std::string_view bugs[] = {"lost_vote", "early_release", "missing_acknowledgement", "wrong_recovery"};

result<exploration_report> explore_it(const subject_options& options, const exploration_options& how) {
  using enum two_phase_bug;
  if (const auto good = check(two_phase_commit_subject, options); !good) return good.error();
  if (options.planted == bugs[0]) return explore_with<lost_vote>(options, how);
  if (options.planted == bugs[1]) return explore_with<early_release>(options, how);
  if (options.planted == bugs[2]) return explore_with<missing_acknowledgement>(options, how);
  if (options.planted == bugs[3]) return explore_with<wrong_recovery>(options, how);
  return explore_with<none>(options, how);
}

}  // namespace

const subject two_phase_commit_subject{
    "two_phase_commit", "all make a change, or none does", bugs, explored_two_phase(two_phase_bug::none).cores, 2,
    explore_it};

}  // namespace cooper::protocols
