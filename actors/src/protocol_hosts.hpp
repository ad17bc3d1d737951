// SPDX-License-Identifier: BSD-3-Clause
// One core's parts in the protocols, and who asked for what: what its monitor answers agreement.hpp's requests with.
//
// All lines go to the units' endpoints, on the lane for monitors, told apart by their type; so hosts know each other's
// addresses, and one that is asked for the first time by a line is made then. The nodes survive their core's absence:
// their durable part is what a new life begins with. Promises do not: the monitor ends with its core.
//
// Its core only.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <caf/actor_control_block.hpp>
#include <caf/response_promise.hpp>

#include <cooper/actors/agreement.hpp>
#include <cooper/actors/protocol_host.hpp>
#include <cooper/protocols/barrier.hpp>
#include <cooper/protocols/call.hpp>
#include <cooper/protocols/multicast.hpp>
#include <cooper/protocols/two_phase_commit.hpp>

namespace cooper::actors {

class core_unit;

// One core's place in a tree that is to be installed; between monitors.
struct install_place {
  std::shared_ptr<const skb::multicast_tree> route;
  std::uint32_t position = 0;  // in it
  std::uint8_t number = 0;
  bool published = false;
  bool of_barrier = false;
};

class protocol_hosts {
 public:
  explicit protocol_hosts(core_unit& unit);
  ~protocol_hosts();

  void take(const line_view& line);
  void stop();
  void restart();

  // The monitor's requests; each answers `asked` once, now or later.
  void install(const install_place& what, caf::response_promise asked);
  void begin(const begin_multicast& what, caf::response_promise asked);
  void arrive_at(std::uint8_t barrier, caf::response_promise asked);
  void commit(const commit_change& what, caf::response_promise asked);
  void call(const call_core& what, caf::response_promise asked);
  void contribute_to(const contribute& what);
  void subscribe(subscribe_multicast what, const caf::strong_actor_ptr& who);
  void subscribe(subscribe_changes what, const caf::strong_actor_ptr& who);
  void serve(serve_calls what) { server_ = std::move(what.run); }
  // The monitor ends: who waits is told, and nobody is subscribed any more.
  void forget_askers();

 private:
  template <class Report>
  struct subscriber {
    std::function<void(const Report&)> run;
    caf::weak_actor_ptr who;
    bool anonymous;
  };
  template <class Report>
  void tell(std::vector<subscriber<Report>>& all, const Report& what);
  template <class P>
  std::unique_ptr<protocol_host<P>> make(message_type type, std::function<void(const typename P::report&)> reported);
  template <class F>
  void for_each_host(F f);

  protocol_host<protocols::hosted_multicast>& multicast();
  protocol_host<protocols::hosted_two_phase_commit>& two_phase();
  protocol_host<protocols::hosted_call>& calls();
  protocol_host<protocols::hosted_barrier>& barrier(std::uint8_t number);

  void on(const protocols::hosted_multicast::report& r);
  void on(const protocols::hosted_two_phase_commit::report& r);
  void on(const protocols::hosted_call::report& r);
  void on_barrier(std::uint8_t number, const protocols::hosted_barrier::report& r);

  core_unit& unit_;
  std::unique_ptr<protocol_host<protocols::hosted_multicast>> multicast_;
  std::unique_ptr<protocol_host<protocols::hosted_two_phase_commit>> two_phase_;
  std::unique_ptr<protocol_host<protocols::hosted_call>> calls_;
  std::map<std::uint8_t, std::unique_ptr<protocol_host<protocols::hosted_barrier>>> barriers_;

  // Who waits for which operation of this core.
  std::map<std::pair<std::uint8_t, std::uint32_t>, caf::response_promise> rounds_;  // by tree and round
  std::map<std::uint8_t, caf::response_promise> arrived_;                           // by barrier
  std::map<std::uint32_t, caf::response_promise> changes_, called_;                 // by sequence
  std::uint32_t changes_begun_ = 0;                                                 // as its node counts them
  std::array<bool, trees_max> roots_{};  // of which trees this core is the root

  std::array<std::vector<subscriber<multicast_delivery>>, trees_max> on_delivery_;
  std::vector<subscriber<change_made>> on_change_;
  std::function<call_words(core_id, const call_words&)> server_;
};

}  // namespace cooper::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::install_place)
