// SPDX-License-Identifier: BSD-3-Clause
// Multicast, explored: rounds of one tree, some of them under way together; and the same by what its root publishes.
#include <set>
#include <vector>

#include <cooper/protocols/multicast.hpp>
#include "routes.hpp"
#include "subjects.hpp"

namespace cooper::protocols {
namespace {

// A sum of these shows how often each core is in it.
constexpr std::uint64_t contribution_of(std::size_t core) { return std::uint64_t{1} << 8 * core; }
template <class P>
typename P::payload payload_of(std::uint64_t command) {
  return {command, ~command};
}

template <class P>
bool has_delivered(const world<P>& w, std::size_t core, std::uint32_t round) {
  for (const auto& r : w.reports_of(core)) {
    if (r.what == P::event::delivered && r.round == round) return true;
  }
  return false;
}

// I1 and I2 of multicast.hpp, as far as reports show them; of I3 what a second answer would do to I2.
template <class P>
std::string wrong(const world<P>& w) {
  using event = typename P::event;
  for (std::size_t c = 0; c < w.cores(); ++c) {
    std::uint32_t last = 0;
    std::set<std::uint32_t> completed;
    for (const auto& r : w.reports_of(c)) {
      if (r.what == event::delivered) {
        if (r.round <= last) return "a core delivered a round twice, or rounds out of order";
        last = r.round;
        // A round that was refused has no number, so a payload may be of a later command.
        if (r.told != payload_of<P>(r.told[0]) || r.told[0] + 1 < r.round) return "a core delivered what nobody told";
        continue;
      }
      if (!completed.insert(r.round).second) return "a round completed twice";
      std::size_t in = 0;
      for (std::size_t other = 0; other < w.cores(); ++other) {
        const std::uint64_t times = r.value >> 8 * other & 0xff;
        if (times > 1) return "a core's value is in a round's twice";
        if (times == 1 && other != c && !has_delivered(w, other, r.round)) {
          return "a round's value has that of a core that has not delivered it";
        }
        in += times;
      }
      if (in + r.missing != w.cores()) return "a round completed without some cores, and does not say so";
    }
  }
  return {};
}

// I4, as far as the faults allow it.
template <class P>
std::string unfinished(const world<P>& w, const faults& allowed) {
  for (std::size_t c = 0; c < w.cores(); ++c) {
    if (!w.node(c).idle()) return "core " + std::to_string(c) + " waits for what does not come";
  }
  if (allowed.stops != 0) return {};
  std::size_t completed = 0;
  for (const auto& r : w.reports_of(0)) {
    if (r.missing != 0 && allowed.expirations == 0) return "without faults, a core is missing";
    ++completed;
  }
  return completed == w.node(0).begun(0) ? "" : "a round has not completed";
}

template <multicast_bug Planted>
exploration_report explore_with(const subject_options& options, const exploration_options& how, bool published) {
  using P = multicast<explored_multicast(Planted)>;
  exploration<P> e;
  e.allowed = options.allowed;
  auto routes = explored_routes<explored_multicast(Planted).cores>(options.cores, published);
  e.plan.sends_to = neighbours(routes);
  if (published) routes[0] = routes[0].published();
  for (std::size_t c = 0; c < options.cores; ++c) {
    P& node = e.plan.nodes.emplace_back(core_number(c));
    COOPER_ASSERT(node.install(0, routes[c]), "an explored route fits");
    node.contribute(0, contribution_of(c));
    e.plan.commands.emplace_back();
  }
  for (std::size_t i = 0; i < options.operations; ++i) {
    e.plan.commands[0].push_back(
        {"a round", [i](P& node, effects_of<P>& out) { node.begin(0, payload_of<P>(i), combining::sum, out); }});
  }
  e.wrong = wrong<P>;
  e.unfinished = [&](const world<P>& w) { return unfinished(w, options.allowed); };
  return protocols::explore(e, how);
}

constexpr std::string_view bugs[] = {"answer_early", "double_delivery", "lost_child", "stale_round"};

result<exploration_report> explore_it(const subject& it, const subject_options& options, const exploration_options& how,
                                      bool published) {
  using enum multicast_bug;
  if (const auto good = check(it, options); !good) return good.error();
  if (options.planted == bugs[0]) return explore_with<answer_early>(options, how, published);
  if (options.planted == bugs[1]) return explore_with<double_delivery>(options, how, published);
  if (options.planted == bugs[2]) return explore_with<lost_child>(options, how, published);
  if (options.planted == bugs[3]) return explore_with<stale_round>(options, how, published);
  return explore_with<none>(options, how, published);
}

}  // namespace

const subject multicast_subject{"multicast",
                                "one tells all along a tree, and gets one answer for all",
                                bugs,
                                explored_multicast(multicast_bug::none).cores,
                                3,
                                [](const subject_options& options, const exploration_options& how) {
                                  return explore_it(multicast_subject, options, how, false);
                                }};

const subject broadcast_subject{"broadcast",
                                "one publishes to all, and gets one answer for all",
                                bugs,
                                explored_multicast(multicast_bug::none).cores,
                                3,
                                [](const subject_options& options, const exploration_options& how) {
                                  return explore_it(broadcast_subject, options, how, true);
                                }};

}  // namespace cooper::protocols
