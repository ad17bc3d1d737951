// SPDX-License-Identifier: BSD-3-Clause
// Stock CAF: both actors on one worker, on a thread each, and a scoped actor's requests.
#include <thread>

#include "parcel_rtt/parcel_rtt.hpp"

namespace cooper::bench::parcel_rtt {

void measure_caf_same_worker(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  finish_line line;
  stock_rig rig{r, 1};
  const caf::actor other = rig.system().spawn(wall<caf::event_based_actor>);
  const caf::actor one = rig.system().spawn(player<caf::event_based_actor>, &line, other);
  sample_apart(
      r, [&](std::uint64_t count) { caf::anon_send(one, caf::ok_atom::value, count); }, line, out);
  caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(other, caf::exit_reason::user_shutdown);
  r.add(std::move(out));
}

void measure_caf_detached(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  finish_line line;
  stock_rig rig{r, 1};
  caf::actor one, other;
  {
    const starting_on second{r.cpu(1)};
    other = rig.system().spawn<caf::detached>(wall<caf::event_based_actor>);
  }
  {
    const starting_on first{r.cpu(0)};
    one = rig.system().spawn<caf::detached>(player<caf::event_based_actor>, &line, other);
  }
  sample_apart(
      r, [&](std::uint64_t count) { caf::anon_send(one, caf::ok_atom::value, count); }, line, out);
  caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(other, caf::exit_reason::user_shutdown);
  r.add(std::move(out));
}

void measure_caf_scoped(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  finish_line line;
  stock_rig rig{r, 1};
  caf::actor other;
  {
    const starting_on second{r.cpu(1)};
    other = rig.system().spawn<caf::detached>(wall<caf::event_based_actor>);
  }
  bool lost = false;
  // A thread for each window, which inherits the first core: one that outlives the actor system would keep CAF's
  // logger, for which the system's destructor waits.
  const auto ask = [&](std::uint64_t count) {
    std::thread{[&, count] {
      caf::scoped_actor me{rig.system()};
      const instant begun = native::now();
      for (std::uint64_t i = 0; i < count; ++i) {
        me->request(other, caf::infinite, std::uint32_t{1})
            .receive([](std::uint32_t) {}, [&](caf::error&) { lost = true; });
      }
      line.cross(static_cast<double>((native::now() - begun).count()));
    }}.join();
  };
  sample_apart(r, ask, line, out);
  if (lost) out.error = "a request was not answered";
  caf::anon_send_exit(other, caf::exit_reason::user_shutdown);
  r.add(std::move(out));
}

}  // namespace cooper::bench::parcel_rtt
