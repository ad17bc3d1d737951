// SPDX-License-Identifier: BSD-3-Clause
// A core's part in a protocol: protocol_host<P> hands a node of protocols/ its lines and timers, and does what its
// steps say.
//
//   protocol_host<hosted_barrier> host{here, options, find, [](const auto& report) { ... }};
//   host.open();                                                 // an endpoint of its own, whose address others find
//   host.step([](auto& node, auto& out) { node.arrive(out); });
//
// Everything that a step says is done after the step, in its order: so a report has been handled before a line that
// follows it leaves, and whoever handles it may begin the next operation. No step nests in another. Lines are posted,
// and what finds no room waits here, however long; lines to a core that is down are lost, which protocols bear with.
// In steady state nothing is allocated but the timer that rings next.
//
// All members are for the core that it was made on, which also destroys it; its machine then still runs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cooper/protocols/protocol.hpp>
#include <cooper/runtime/core.hpp>

namespace cooper::actors {

struct host_options {
  std::size_t cores = 0;  // of the machine; lines from others are a stranger's
  message_type type = 0;  // of the protocol's lines: its own, on that endpoint
  lane via = lane::monitor;
  duration tick = std::chrono::milliseconds{1};
};

template <protocols::protocol P>
class protocol_host final : private protocols::effects_of<P> {
 public:
  using message = typename P::message;
  using report_type = typename P::report;
  using effects_type = protocols::effects_of<P>;
  // Where the lines to that core's host go; nothing: it has none, and what is sent there is lost.
  using find_peer = std::function<std::optional<address>(core_id)>;
  using report_handler = std::function<void(const report_type&)>;

  protocol_host(core& here, const host_options& options, find_peer find, report_handler reported)
      : here_{&here}, options_{options}, find_{std::move(find)}, reported_{std::move(reported)}, node_{here.id()} {}
  ~protocol_host() {
    stop();
    if (own_) here_->close(*own_);
  }
  protocol_host(const protocol_host&) = delete;
  protocol_host& operator=(const protocol_host&) = delete;

  // An endpoint of its own. Where somebody else's is used instead, that hands on what comes, to take().
  // Errors: as core::open.
  result<address> open() {
    const auto opened =
        here_->open([](void* self, core&,
                       const line_view& line) { static_cast<void>(static_cast<protocol_host*>(self)->take(line)); },
                    this);
    if (opened) own_ = *opened;
    return opened;
  }

  // False: it is not a line of this protocol from a core of this machine, and was ignored.
  bool take(const line_view& line) {
    if (line.type != options_.type || line.via != options_.via || line.from.value >= options_.cores) return false;
    here_->spend(work::line);
    step([&](P& node, effects_type& out) { node.receive(line.from, line.as<message>(), out); });
    return true;
  }

  const P& node() const noexcept { return node_; }
  // Runs f(node, out), then does what it said, reports included, unless a step that is under way does that.
  template <class F>
  auto step(F&& f) {
    using returned = std::invoke_result_t<F&, P&, effects_type&>;
    if constexpr (std::is_void_v<returned>) {
      f(node_, static_cast<effects_type&>(*this));
      carry_out();
    } else {
      const returned value = f(node_, static_cast<effects_type&>(*this));
      carry_out();
      return value;
    }
  }

  // Its core leaves: no timer runs, and nothing waits to be sent any more.
  void stop() {
    alive_.reset();
    if (armed_for_ != never) here_->cancel(ringing_);
    armed_for_ = never;
    due_.clear();
    waiting_.clear();
  }
  // The core is back, in a new life.
  void restart() {
    alive_ = std::make_shared<bool>(true);
    step([](P& node, effects_type& out) { node.restarted(out); });
  }
  // Lines that wait for room.
  std::size_t waiting() const {
    std::size_t n = 0;
    for (const auto& [to, lines] : waiting_) n += lines.size();
    return n;
  }

 private:
  struct sent {
    core_id to;
    message what;
  };
  struct published {
    message what;
  };
  struct timer_set {
    std::uint8_t timer;
    protocols::tick after;
  };
  struct timer_cancelled {
    std::uint8_t timer;
  };
  using action = std::variant<sent, published, timer_set, timer_cancelled, report_type>;
  static_assert(std::is_trivially_copyable_v<message> && std::is_trivially_copyable_v<report_type>);

  void send(core_id to, const message& m) override { todo_.emplace_back(sent{to, m}); }
  void publish(const message& m) override { todo_.emplace_back(published{m}); }
  void set_timer(std::uint8_t timer, protocols::tick after) override { todo_.emplace_back(timer_set{timer, after}); }
  void cancel_timer(std::uint8_t timer) override { todo_.emplace_back(timer_cancelled{timer}); }
  void report(const report_type& what) override { todo_.emplace_back(what); }

  // What reports' receivers begin meanwhile is appended, and done here too.
  void carry_out() {
    if (std::exchange(carrying_out_, true)) return;
    for (std::size_t i = 0; i < todo_.size(); ++i) {
      const action next = todo_[i];
      std::visit([this](const auto& what) { this->carry_out(what); }, next);
    }
    todo_.clear();
    carrying_out_ = false;
  }
  void carry_out(const sent& s) { say(s.to, s.what); }
  void carry_out(const published& p) {
    for (std::size_t i = 0; i < options_.cores; ++i) {
      if (i != here_->id().value) say(core_number(i), p.what);
    }
  }
  void carry_out(const timer_set& t) {
    here_->spend(work::timer);
    if (due_.size() <= t.timer) due_.resize(t.timer + 1u, never);
    due_[t.timer] = here_->now() + static_cast<std::int64_t>(t.after) * options_.tick;
    arm(due_[t.timer]);
  }
  void carry_out(const timer_cancelled& t) {
    if (t.timer < due_.size()) due_[t.timer] = never;
  }
  void carry_out(const report_type& r) { reported_(r); }

  // -- lines

  void say(core_id to, const message& m) {
    if (to.value >= options_.cores) return;
    if (!waiting_.empty()) [[unlikely]] {
      if (const auto found = waiting_.find(to.value); found != waiting_.end()) return found->second.push_back(m);
    }
    if (post(to, m) != send_result::full) return;
    waiting_[to.value].push_back(m);
    ask_for_room(to);
  }
  send_result post(core_id to, const message& m) {
    const auto at = find_(to);
    return at ? here_->post(*at, options_.type, m, options_.via) : send_result::closed;
  }
  void ask_for_room(core_id to) {
    here_->when_writable(to, options_.via, [this, to, still = std::weak_ptr<bool>{alive_}] {
      if (!still.expired()) send_waiting(to);
    });
  }
  void send_waiting(core_id to) {
    const auto found = waiting_.find(to.value);
    if (found == waiting_.end()) return;
    for (auto& lines = found->second; !lines.empty(); lines.pop_front()) {
      if (post(to, lines.front()) == send_result::full) return ask_for_room(to);
    }
    waiting_.erase(found);
  }

  // -- timers: one of the core's, for the earliest

  void arm(instant when) {
    if (when >= armed_for_) return;
    if (armed_for_ != never) here_->cancel(ringing_);
    armed_for_ = when;
    ringing_ = here_->at(when, [this] { ring(); });
  }
  void ring() {
    armed_for_ = never;
    const instant now = here_->now();
    for (std::size_t t = 0; t < due_.size(); ++t) {
      if (due_[t] > now) continue;
      due_[t] = never;
      step([t](P& node, effects_type& out) { node.expired(static_cast<std::uint8_t>(t), out); });
    }
    if (!due_.empty()) arm(*std::min_element(due_.begin(), due_.end()));
  }

  core* here_;
  host_options options_;
  find_peer find_;
  report_handler reported_;
  std::optional<address> own_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<action> todo_;
  bool carrying_out_ = false;
  std::map<std::uint16_t, std::deque<message>> waiting_;  // by core; only where there is no room
  std::vector<instant> due_;                              // by timer
  instant armed_for_ = never;
  timer_id ringing_{};
  P node_;
};

}  // namespace cooper::actors
