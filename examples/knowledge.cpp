// SPDX-License-Identifier: BSD-3-Clause
// The knowledge base in a program: workers join a group, and who multicasts to them is told the best tree.
#include <cstdio>
#include <memory>
#include <vector>

#include <caf/all.hpp>

#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/skb.hpp>
#include <cooper/actors/spawn.hpp>
#include <cooper/skb/facts.hpp>

using namespace cooper::actors;
using cooper::core_id;

caf::behavior worker(caf::event_based_actor* self, const caf::actor& skb, core_id core) {
  self->send(skb, join_group{"workers", core});
  return {[](caf::ok_atom) {}};
}

int main() {
  caf::actor_system_config cfg;
  cfg.load<core_scheduler>();
  caf::actor_system system{cfg};
  const auto& machine = core_scheduler::of(system)->on();

  // Without SWI-Prolog, or if its engine fails, trees are direct.
  auto opened = cooper::skb::knowledge_base::open(machine.where());
  if (!opened) std::fprintf(stderr, "%s\n", opened.error().message().c_str());
  const std::shared_ptr base = opened ? std::move(*opened) : cooper::skb::knowledge_base::without_engine();
  const auto skb = spawn_skb(system, base);
  if (!skb) return std::fprintf(stderr, "%s\n", skb.error().message().c_str()), 3;

  caf::scoped_actor self{system};
  // Costs by class of link; measure_links{} would take a moment to measure them.
  self->request(*skb, caf::infinite, change_facts{{}, cooper::skb::assumed_costs(machine.where())})
      .receive([](std::uint64_t) {}, [](const caf::error& e) { std::fprintf(stderr, "%s\n", message_of(e).c_str()); });

  const auto cores = static_cast<std::uint16_t>(machine.core_count());
  std::vector<caf::actor> workers;  // who is in a group leaves it when it ends, as an actor does that nobody refers to
  for (std::uint16_t c = 0; c < cores; ++c) {
    const auto made = spawn_on(system, core_id{c}, worker, *skb, core_id{c});
    if (!made) return std::fprintf(stderr, "%s\n", made.error().message().c_str()), 3;
    workers.push_back(*made);
  }
  self->send(*skb, subscribe_tree{core_id{0}, {}, "workers"});
  std::size_t reached = 0;
  while (reached < cores) {
    self->receive([&](const planned_tree& p) {  // now, and whenever another tree is better
      reached = p.tree->nodes.size();
      std::printf("%s tree to %zu of %d cores\n", p.tree->policy.c_str(), reached, cores);
    });
  }
  self->send_exit(*skb, caf::exit_reason::user_shutdown);
  self->wait_for(*skb);
  return 0;
}
