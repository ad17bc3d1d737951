// SPDX-License-Identifier: BSD-3-Clause
// A barrier, explored: each core arrives as often as there are operations.
#include <vector>

#include <cooper/protocols/barrier.hpp>
#include "routes.hpp"
#include "subjects.hpp"

namespace cooper::protocols {
namespace {

template <class P>
bool everywhere(const world<P>& w, std::uint32_t episode, typename P::event what) {
  for (std::size_t c = 0; c < w.cores(); ++c) {
    bool has = false;
    for (const auto& r : w.reports_of(c)) has = has || (r.episode == episode && r.what == what);
    if (!has) return false;
  }
  return true;
}

// I1 and I2 of barrier.hpp.
template <class P>
std::string wrong(const world<P>& w) {
  using event = typename P::event;
  for (std::size_t c = 0; c < w.cores(); ++c) {
    std::uint32_t arrived = 0, released = 0;
    for (const auto& r : w.reports_of(c)) {
      if (r.what == event::arrived) {
        if (r.episode != ++arrived || arrived != released + 1) return "a core arrived before it was released";
        continue;
      }
      if (r.episode != ++released) return "a core was released twice, or from episodes out of order";
      if (!everywhere(w, r.episode, event::arrived)) return "a core was released before all had arrived";
    }
  }
  return {};
}

// I3.
template <class P>
std::string unfinished(const world<P>& w, std::size_t episodes) {
  using event = typename P::event;
  for (std::uint32_t e = 1; e <= episodes; ++e) {
    if (everywhere(w, e, event::arrived) && !everywhere(w, e, event::released)) {
      return "all have arrived, and a core is not released";
    }
  }
  return {};
}

template <barrier_bug Planted>
exploration_report explore_with(const subject_options& options, const exploration_options& how) {
  using P = barrier<explored_barrier(Planted)>;
  exploration<P> e;
  e.allowed = options.allowed;
  const auto routes = explored_routes<explored_barrier(Planted).cores>(options.cores, false);
  e.plan.sends_to = neighbours(routes);
  for (std::size_t c = 0; c < options.cores; ++c) {
    P& node = e.plan.nodes.emplace_back(core_number(c));
    COOPER_ASSERT(node.install(routes[c]), "an explored route fits");
    // One that comes before the release from the last is refused, and used up.
    e.plan.commands.emplace_back(
        options.operations, typename world<P>::command{"it arrives", [](P& n, effects_of<P>& out) { n.arrive(out); }});
  }
  e.wrong = wrong<P>;
  e.unfinished = [&](const world<P>& w) { return unfinished(w, options.operations); };
  return protocols::explore(e, how);
}

constexpr std::string_view bugs[] = {"release_early", "forget_arrival", "stale_arrival", "silent_life"};

result<exploration_report> explore_it(const subject_options& options, const exploration_options& how) {
  using enum barrier_bug;
  if (const auto good = check(barrier_subject, options); !good) return good.error();
  if (options.planted == bugs[0]) return explore_with<release_early>(options, how);
  if (options.planted == bugs[1]) return explore_with<forget_arrival>(options, how);
  if (options.planted == bugs[2]) return explore_with<stale_arrival>(options, how);
  if (options.planted == bugs[3]) return explore_with<silent_life>(options, how);
  return explore_with<none>(options, how);
}

}  // namespace

const subject barrier_subject{
    "barrier", "nobody goes on before all have come", bugs, explored_barrier(barrier_bug::none).cores, 3, explore_it};

}  // namespace cooper::protocols
