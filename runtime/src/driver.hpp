// SPDX-License-Identifier: BSD-3-Clause
// The CPU driver: one core's loop and all of its state, for any platform.
//
// A platform is an environment (words, barriers, clock) with a sleeper and a queue type:
//   sleeper      signal() and nudge() from any core or thread; the rest by the owner only: see native_platform.hpp
//   ring_looks   how often an idle turn looks at the rings before it looks at anything else
//   idle_check_turns, clock_turn_mask   how seldom an idle or a busy driver reads the clock
//   park_announced(driver, before, after), about_to_sleep(driver)   where the stress test of parking looks in
//   queue<T>     many producers, one consumer: bool push(T), bool pop(T&), bool empty(); bounded
// It is instantiated for real cores (two barrier modes), for the simulated machine, and by the tests for the model.
//
//   I1  No member but post_to_gateway and the words is touched by another thread: enforced by machine, which hands
//       out `core&` on the driver's own thread only.
//   I2  A busy turn makes no system call, and executes no locked instruction: shown by tests/unit/runtime/hot_path.
//   I3  Whoever may sleep has announced it and looked again at everything that could make work (found_work).
//   I4  A driver always drains its rings: no handler's state stops a ring that others share.
//
// The counterpart is Barrelfish's CPU driver and dispatcher (kernel/dispatch.c, lib/barrelfish/waitset.c), but for its
// endless polling.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <cooper/runtime/buffers.hpp>
#include <cooper/runtime/core.hpp>
#include <cooper/runtime/footprint.hpp>
#include <cooper/runtime/metrics.hpp>
#include <cooper/runtime/trace.hpp>
#include "core_words.hpp"
#include "driver_view.hpp"
#include "endpoint_table.hpp"
#include "links.hpp"
#include "run_queue.hpp"
#include "timer_queue.hpp"

// What a turn or a send does seldom: kept out of line, so that the straight way is short and can be looked at (I2).
#define COOPER_COLD [[gnu::noinline]]

namespace cooper::detail {

struct driver_options {
  std::optional<duration> poll_budget;
  duration io_interval{std::chrono::microseconds{10}};
  std::size_t overflow_bound = 1024;
  std::size_t buffer_bytes = 64 * 1024;
  std::size_t buffers_per_core = 256;
  std::size_t hint_threshold = 8;
  bool shares_hardware_thread = false;
};

// Work from outside a driver. It runs on the driver's core; the driver gives itself as the argument.
template <class Platform>
class basic_driver;
template <class Platform>
using gateway_work = std::function<void(basic_driver<Platform>&)>;

template <class Platform>
class basic_driver final : public core {
 public:
  using env_type = typename Platform::environment;
  using sleeper_type = typename Platform::sleeper;
  using peers_type = std::span<const std::unique_ptr<basic_driver>>;

  basic_driver(core_id id, machine& home, env_type env, std::size_t core_count, driver_options options,
               buffer_registry& registry);
  ~basic_driver() override;

  // Before the first turn of any driver.
  void meet(peers_type peers) { peers_ = peers; }

  // -- core --------------------------------------------------------------------------------------------------------
  result<address> open(line_handler handler, void* self) override { return endpoints_.open(handler, self); }
  bool close(address endpoint) override;
  void on_undeliverable(line_handler handler, void* self) override {
    undeliverable_ = handler;
    undeliverable_self_ = self;
  }
  send_result send_words(address to, message_type type, lane via, const std::uint64_t* words,
                         std::size_t word_count) override;
  send_result post_words(address to, message_type type, lane via, const std::uint64_t* words,
                         std::size_t word_count) override;
  std::size_t overflow_bound() const noexcept override { return options_.overflow_bound; }
  void when_writable(core_id to, lane via, job then) override;
  instant now() override { return env_.now(); }
  void defer(job work) override { jobs_.add(std::move(work)); }
  timer_id at(instant when, job work) override { return timers_.add(env_.alarm_at(when), std::move(work)); }
  bool cancel(timer_id timer) override { return timers_.cancel(timer); }
  void retire(job work) override;
  result<boost::asio::io_context*> io() override {
    io_used_ = true;
    return sleeper_.io();
  }
  result<buffer_pool*> buffers() override;
  bool poll_once() override;
  result<int> wake_fd() override { return sleeper_.wake_fd(); }
  instant prepare_to_park() override;
  void unpark() override;
  core_metrics& metrics() noexcept override { return metrics_; }
  trace_ring& trace() noexcept override { return trace_; }

  // -- for the machine -----------------------------------------------------------------------------------------------
  // The loop, until stop_now() or the end of go_down(). Native and model; the simulated machine makes the turns itself.
  void run();
  bool turn();
  // Any thread, with that thread's environment. False: the gateway is full, and `work` is as it was.
  bool post_to_gateway(env_type& caller, gateway_work<Platform>& work);
  // The rest on the driver's own thread, as gateway work.
  void begin_stop() { stopping_ = true; }
  void stop_now() { leave_ = true; }
  void note_stall(std::uint32_t endpoint, duration lasted) {
    trace_.note({.time_ns = env_.now().ns,
                 .kind = trace_kind::stall,
                 .peer = id(),
                 .slot = endpoint,
                 .arg = static_cast<std::uint64_t>(lasted.count())});
  }
  bool leaving() const { return leave_; }
  void bind_for(core_id peer);
  void go_down(std::vector<core_id> running_peers, job done);
  void come_up(std::vector<core_id> closed_peers);
  void peer_is_up(core_id peer);
  // The simulated machine asks: how long an idle driver polls before it parks, as things stand; when something of its
  // own is due; and whether it waits for what nobody announces, other cores' turns or room in a gateway.
  duration poll_budget() const { return poll_budget_; }
  instant next_deadline();
  bool restless() const { return grace_ || departure_ || finals_pending_ || !untold_.empty(); }
  // ... and how many cores' rings each turn looks at.
  std::size_t looks() const { return hinted_ ? 0 : in_.size(); }
  void keep_account(cost_meter& meter) { set_meter(meter); }

  const driver_view& view() const { return view_; }
  driver_view& view() { return view_; }
  core_words<env_type>& words() { return words_; }
  sleeper_type& sleeper() { return sleeper_; }
  env_type& env() { return env_; }

 private:
  static constexpr unsigned lane_budget = 32;
  static constexpr std::size_t look_every = 16;
  static constexpr unsigned local_budget = 64;
  static constexpr unsigned gateway_budget = 16;
  // How many turns a core that goes down gives to work that makes itself more work.
  static constexpr unsigned fed_turns_max = 1000;
  static constexpr duration barrier_cost_max{std::chrono::microseconds{100}};

  using out_link = outbound<env_type>;
  using in_link = inbound<env_type>;
  using arrival = typename basic_receiver<env_type>::arrival;

  // receiving
  bool drain_rings();
  bool drain_hinted();
  bool drain(in_link& from);
  void drain_lane(in_link& from, lane via, arrival line);
  void return_wakes(in_link& from, lane via);
  void dispatch(line_header header, const std::byte* payload, core_id from, lane via, std::uint64_t position);
  COOPER_COLD void dispatch_traced(line_header header, const std::byte* payload, core_id from, lane via,
                                   std::uint64_t position);
  inline void handle(const endpoint_table::entry& entry, line_header header, const std::byte* payload, core_id from,
                     lane via);
  COOPER_COLD void undeliverable(line_header header, const std::byte* payload, core_id from, lane via);
  bool run_local();
  COOPER_COLD bool run_gateway();
  COOPER_COLD bool run_timers();

  // sending
  send_result send_local(address to, message_type type, lane via, const std::uint64_t* words, std::size_t count);
  send_result send_waiting(address to, message_type type, lane via, const std::uint64_t* words, std::size_t count,
                           bool may_wait);
  [[gnu::always_inline]] inline void notify(core_id to, out_link& link);
  COOPER_COLD void wake(core_id to);
  void raise_hint(core_id to, out_link& link);
  COOPER_COLD bool flush_overflow();
  bool flush_lane(out_link& link, lane via);
  out_link& link_to(core_id peer);
  send_result send_return(core_id owner, const return_line& line);
  void discard_waiting(out_link& link);

  // binding and closing: conversations over the gateways
  void tell(core_id peer, gateway_work<Platform> work);
  COOPER_COLD bool flush_tells();
  void request_binding(out_link& link);
  void bound_by(core_id peer, sender_set<env_type>& senders);
  void peer_closing(core_id peer);
  void peer_closed(std::optional<lane_positions> finals, core_id peer);
  void peer_ended(core_id peer, lane_positions finals);
  void departure_answered();
  COOPER_COLD bool finish_drained();
  COOPER_COLD bool advance_going_down();
  in_link* in_from(core_id peer);
  void choose_polling();

  // grace periods
  void begin_grace();
  COOPER_COLD bool end_grace_if_passed();

  // tracing; call only while it is on, but for note
  void trace_line(trace_kind kind, core_id from, core_id to, lane via, std::uint64_t position, line_header header);
  template <class F>
  void run_job(F&& work);
  void trace_event_now(trace_kind kind, std::uint64_t arg = 0);
  void note(trace_kind kind, core_id peer, std::uint64_t arg = 0);

  // idling
  void idle();
  void park();
  bool found_work();
  void adapt_to(duration slept);
  COOPER_COLD void poll_io(instant now);

  env_type env_;
  driver_options options_;
  peers_type peers_;
  bool in_turn_ = false;
  bool leave_ = false;
  bool stopping_ = false;
  bool io_used_ = false;
  bool finals_pending_ = false;  // some peer has closed and is not drained yet

  // Receiving: bound peers, in the order of binding; and those that were, with memory for their next life.
  std::vector<std::unique_ptr<in_link>> in_;
  std::vector<std::unique_ptr<in_link>> spare_in_;
  bool hinted_ = false;
  endpoint_table endpoints_;
  line_handler undeliverable_ = nullptr;
  void* undeliverable_self_ = nullptr;
  run_queue<waiting_line> local_;
  run_queue<job> jobs_;
  timer_queue timers_;

  // Sending: by core, made at the first use.
  std::vector<std::unique_ptr<out_link>> out_;
  std::size_t waiting_total_ = 0;
  std::vector<bool> returns_wait_;  // by home core: buffers wait for its monitor lane to take lines again
  std::deque<std::pair<core_id, gateway_work<Platform>>> untold_;

  // Going down: who has still to answer, and what then.
  std::vector<std::uint32_t> closed_slots_;
  struct departure {
    enum class phase : std::uint8_t { asking, draining, ending } step = phase::asking;
    std::size_t awaited = 0;
    unsigned turns_fed = 0;
    bool cut = false;  // nothing new may wait
    job done;
  };
  std::optional<departure> departure_;

  // A grace period under way, the turns it waits for, and the work that asked too late for it.
  struct grace {
    std::uint64_t begun_in = 0;
    std::vector<std::pair<core_id, std::uint64_t>> awaited;
    std::vector<job> work;
  };
  std::optional<grace> grace_;
  std::vector<job> retired_;
  static constexpr duration grace_look_again{std::chrono::milliseconds{1}};

  // Idling.
  std::uint64_t turn_ = 0;
  unsigned idle_turns_ = 0;
  instant idle_since_ = never;
  instant last_io_{};
  instant park_allowed_{};
  duration poll_budget_;
  double poll_scale_ = 1.0;

  buffer_registry& registry_;
  std::unique_ptr<buffer_pool> buffers_;
  core_metrics metrics_;
  trace_ring trace_;
  driver_view view_;

  // What others write or read comes last, in lines of its own.
  core_words<env_type> words_;
  sleeper_type sleeper_;
  typename Platform::template queue<gateway_work<Platform>*> gateway_;
};

}  // namespace cooper::detail

#undef COOPER_COLD
