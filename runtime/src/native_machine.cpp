// SPDX-License-Identifier: BSD-3-Clause
// The machine on real cores: claims, threads, pinning, bringing cores down and up, and stopping in order.
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <condition_variable>
#include <future>
#include <latch>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include "control_socket.hpp"
#include "core_claims.hpp"
#include "current_core.hpp"
#include "driver_native.hpp"
#include "machine_base.hpp"
#include "stall_watch.hpp"

namespace cooper::detail {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr milliseconds look_again{1};
// How long stop() lets a conversation go on that feeds itself.
constexpr milliseconds chatter_limit{100};

bool pin_to(unsigned pu_index) {
  cpu_set_t* set = CPU_ALLOC(pu_index + 1);
  if (set == nullptr) return false;
  const std::size_t bytes = CPU_ALLOC_SIZE(pu_index + 1);
  CPU_ZERO_S(bytes, set);
  CPU_SET_S(pu_index, bytes, set);
  const bool pinned = ::sched_setaffinity(0, bytes, set) == 0;
  CPU_FREE(set);
  return pinned;
}

template <barrier_mode Mode>
class native_machine final : public basic_machine<native_platform<Mode>> {
 public:
  using base = basic_machine<native_platform<Mode>>;
  using driver_type = typename base::driver_type;
  using work_type = gateway_work<native_platform<Mode>>;

  native_machine(const topology& where, std::vector<core_id> cores, machine_options options,
                 std::vector<core_claim> claims)
      : base{where, cores.size()}, options_{std::move(options)}, claims_{std::move(claims)}, threads_(cores.size()) {
    for (std::size_t i = 0; i < cores.size(); ++i) {
      this->seats_[i] = {.place = cores[i], .pu_index = where.threads()[cores[i].value].pu_index, .pinned = false};
    }
    adopted_by_.resize(cores.size());
    // Whoever asks to stop takes a lock for it, cores included: once, at the end.
    footprint::declare(&stop_requested_, sizeof stop_requested_, footprint::rule::open_to_all);
    footprint::declare(&adopted_by_, sizeof adopted_by_, footprint::rule::open_to_all);
  }

  ~native_machine() override {
    while (!stop_locked(std::chrono::seconds{3600})) {}
    if (service_) service_->stop();
  }

  result<void> start() {
    this->drivers_.resize(threads_.size());
    std::latch made{static_cast<std::ptrdiff_t>(threads_.size())};
    // Each thread pins itself before it makes its driver, so that the memory is its node's.
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      if (stepped(i)) {
        make_driver(i);
        made.count_down();
        continue;
      }
      if (const auto started = start_thread(i,
                                            [&, i] {
                                              pin(i);
                                              make_driver(i);
                                              made.count_down();
                                            });
          !started) {
        // Those that did start wait for a machine that will not be.
        for (std::size_t rest = i; rest < threads_.size(); ++rest) made.count_down();
        made.wait();
        go_.set_value(false);
        join_all();
        return started;
      }
    }
    made.wait();
    for (auto& driver : this->drivers_) driver->meet(this->drivers_);
    if (options_.trace) {
      for (auto& driver : this->drivers_) {
        if (const auto on = driver->trace().switch_on(); !on) this->lost_.push_back("tracing: " + on.error().message());
      }
    }
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      if (!stepped(i) && !this->seats_[i].pinned && options_.pin) {
        this->lost_.push_back(fmt::format("pinning: core {} may move between hardware threads", i));
      }
    }
    go_.set_value(true);
    start_service();
    return {};
  }

  void note_lost(std::vector<std::string> sentences) { this->lost_ = std::move(sentences); }

  bool simulated() const override { return false; }

  result<void> post(core_id where, std::function<void(core&)> work) override {
    const auto driver = this->driver_at(where);
    if (!driver) return driver.error();
    native_environment<Mode> caller;
    const core* self = core::current();
    const bool may_wait = self == nullptr || &self->home() != this;
    work_type wrapped = [work = std::move(work)](driver_type& d) { work(d); };
    for (int attempt = 0;; ++attempt) {
      if (stopped_.load(std::memory_order_acquire)) return error{errc::stopped};
      if ((*driver)->view().down.read()) return error{errc::core_down, name(where)};
      if ((*driver)->post_to_gateway(caller, wrapped)) return {};
      if (!may_wait) return error{errc::queue_full, name(where)};
      std::this_thread::sleep_for(std::chrono::microseconds{attempt < 20 ? 50 : 1000});
    }
  }

  result<void> call(core_id where, std::function<void(core&)> work) override {
    // Whoever comes first decides: the core, which runs the work, or this caller, who gives up when the core has left
    // (the work may stand in its gateway until it is up again).
    struct call_state {
      std::atomic<bool> decided{false};
      std::promise<void> done;
    };
    auto state = std::make_shared<call_state>();
    const std::future<void> finished = state->done.get_future();
    if (const auto posted = post(where,
                                 [work = std::move(work), state](core& here) {
                                   if (state->decided.exchange(true)) return;
                                   work(here);
                                   state->done.set_value();
                                 });
        !posted) {
      return posted;
    }
    driver_type& driver = *this->drivers_[where.value];
    while (finished.wait_for(adopted_here(where) ? milliseconds{0} : look_again) != std::future_status::ready) {
      if (adopted_here(where)) {
        driver.poll_once();
      } else if (driver.view().stopped.read() && !state->decided.exchange(true)) {
        return error{errc::stopped, name(where) + " stopped before the call ran"};
      }
    }
    return {};
  }

  void run() override {
    if (const auto mine = adopted_core()) return run_adopted(*mine);
    std::unique_lock lock{stop_mutex_};
    stop_wanted_.wait(lock, [&] { return stop_requested_; });
    stop_requested_ = false;
  }

  void request_stop() override {
    {
      const std::lock_guard lock{stop_mutex_};
      stop_requested_ = true;
    }
    stop_wanted_.notify_all();
    for (std::size_t i = 0; i < adopted_by_.size(); ++i) {
      // An adopted core may sleep in run(): a job without effect wakes it.
      if (stepped(i)) static_cast<void>(post(core_number(i), [](core&) {}));
    }
  }

  bool step(instant) override {
    bool worked = false;
    for (const core_id mine : adopted()) worked |= this->drivers_[mine.value]->poll_once();
    return worked;
  }
  std::vector<core_id> adopted() override {
    std::vector<core_id> mine;
    for (std::size_t i = 0; i < adopted_by_.size(); ++i) {
      const bool turns = !this->drivers_[i]->view().stopped.read();
      if (turns && adopted_here(core_number(i))) mine.push_back(core_number(i));
    }
    return mine;
  }

  result<void> down(core_id which, duration deadline) override {
    const std::lock_guard lock{life_mutex_};
    const auto found = this->driver_at(which);
    if (!found) return found.error();
    driver_type& driver = **found;
    if (stopped_) return error{errc::stopped};
    if (driver.view().down.read()) return error{errc::core_down, name(which)};
    const std::vector<core_id> others = this->others_running(which);
    if (others.empty()) return error{errc::last_core, name(which)};
    if (!leaving_.contains(which.value)) {
      // `down` in the view tells; there is nothing else to do when the driver has left.
      const auto posted = post(which, [others](core& here) { static_cast<driver_type&>(here).go_down(others, [] {}); });
      if (!posted) return posted;
      leaving_.insert(which.value);
    }
    const auto limit = clock::now() + deadline;
    while (!driver.view().stopped.read()) {
      if (clock::now() > limit) return error{errc::stop_timeout, blockers()};
      wait_a_little();
    }
    if (threads_[which.value].joinable()) threads_[which.value].join();
    leaving_.erase(which.value);
    return {};
  }

  result<void> up(core_id which) override {
    const std::lock_guard lock{life_mutex_};
    const auto found = this->driver_at(which);
    if (!found) return found.error();
    driver_type& driver = **found;
    if (stopped_) return error{errc::stopped};
    if (!driver.view().down.read()) return error{errc::core_up, name(which)};
    if (leaving_.contains(which.value)) return error{errc::stop_timeout, name(which) + " is still going down"};
    std::vector<core_id> closed = this->all_down();
    std::erase(closed, which);
    // One that is still leaving has its peers counted already, and will be gone: it is met when it is up again.
    for (const std::size_t leaver : leaving_) closed.push_back(core_number(leaver));
    if (stepped(which.value)) {
      driver.come_up(std::move(closed));
    } else if (const auto started = start_thread(which.value,
                                                 [this, which, &driver, closed] {
                                                   pin(which.value);
                                                   driver.come_up(closed);
                                                 });
               !started) {
      return started;
    } else {
      while (driver.view().down.read()) std::this_thread::sleep_for(look_again);
    }
    for (const core_id peer : this->others_running(which)) {
      const auto told = post(peer, [which](core& here) { static_cast<driver_type&>(here).peer_is_up(which); });
      if (!told) return told;
    }
    return {};
  }

  result<void> stop(duration deadline) override { return stop_locked(deadline); }

  result<core*> adopt(core_id which) override {
    const auto driver = this->driver_at(which);
    if (!driver) return driver.error();
    if (!stepped(which.value)) {
      return error{errc::bad_option, name(which) + " has a thread of its own; name it in machine_options::stepped"};
    }
    const std::lock_guard lock{stop_mutex_};
    auto& owner = adopted_by_[which.value];
    if (owner != std::thread::id{} && owner != std::this_thread::get_id()) {
      return error{errc::bad_option, name(which) + " is stepped by another thread"};
    }
    owner = std::this_thread::get_id();
    return static_cast<core*>(*driver);
  }

  std::vector<core_status> status() const override {
    auto all = base::status();
    watch_.add_durations(all);
    return all;
  }

 protected:
  native_environment<Mode> observer_env() const override { return {}; }

 private:
  static std::string name(core_id which) { return fmt::format("core {}", which.value); }

  bool stepped(std::size_t i) const {
    return std::find(options_.stepped.begin(), options_.stepped.end(), core_number(i)) != options_.stepped.end();
  }

  void make_driver(std::size_t i) {
    const auto same_place = [&](const auto& other) { return other.place == this->seats_[i].place; };
    const driver_options per_driver{
        .poll_budget = options_.poll_budget,
        .io_interval = options_.io_interval,
        .overflow_bound = options_.overflow_bound,
        .buffer_bytes = options_.buffer_bytes,
        .buffers_per_core = options_.buffers_per_core,
        .hint_threshold = options_.hint_threshold,
        .shares_hardware_thread = std::count_if(this->seats_.begin(), this->seats_.end(), same_place) > 1};
    this->drivers_[i] = std::make_unique<driver_type>(core_number(i), *this, native_environment<Mode>{},
                                                      threads_.size(), per_driver, this->registry_);
  }

  void pin(std::size_t i) {
    if (!options_.pin) return;
    this->seats_[i].pinned = pin_to(this->seats_[i].pu_index);
    const std::string thread_name = fmt::format("cooper-{}", i);
    static_cast<void>(::pthread_setname_np(::pthread_self(), thread_name.c_str()));
  }

  result<void> start_thread(std::size_t i, std::function<void()> prepare) {
    try {
      threads_[i] = std::thread{[this, i, prepare = std::move(prepare), go = start_] {
        const crash_stack for_signals;
        prepare();
        if (!go.get()) return;
        const current_core_scope scope{*this->drivers_[i]};
        this->drivers_[i]->run();
      }};
    } catch (const std::system_error& failed) {
      return error{errc::thread_failed, fmt::format("core {}: {}", i, failed.what())};
    }
    return {};
  }

  void start_service() {
    control_verbs verbs;
    verbs.status = [this] { return status_json(*this); };
    verbs.metrics = [this] { return this->prometheus(); };
    verbs.trace = [this] { return this->chrome_trace(); };
    verbs.set_tracing = [this](bool on) -> result<void> {
      this->set_tracing(on);
      return {};
    };
    control_options how;
    how.listen = options_.control_socket;
    if (options_.stall_after > duration::zero()) {
      how.period = std::max<duration>(options_.stall_after / 4, milliseconds{10});
      how.periodic = [this] { watch_for_stalls(); };
    }
    if (!how.listen && !how.periodic) return;
    auto service = control_socket::start(verbs, how);
    if (!service && how.listen) {
      this->lost_.push_back("control socket: " + service.error().message());
      how.listen = false;
      if (how.periodic) service = control_socket::start(verbs, how);
    }
    if (service) service_ = std::move(*service);
  }

  void watch_for_stalls() {
    for (const auto& stall : watch_.look(base::status(), options_.stall_after)) {
      driver_type& driver = *this->drivers_[stall.core.value];
      driver.metrics().stalls.add(1);  // this thread is that counter's only writer
      std::string running;
      // A layer above may know what runs: it says so in a number by that name (describe_cores).
      for (const auto& [what, number] : this->numbers_of(stall.core)) {
        if (number != 0 && what.starts_with("running_")) running += fmt::format("; {} {}", what.substr(8), number);
      }
      fmt::print(stderr, "cooper: {}{}\n", stall.sentence, running);
      native_environment<Mode> caller;
      work_type note = [endpoint = stall.endpoint, lasted = stall.lasted](driver_type& d) {
        d.note_stall(endpoint, lasted);
      };
      static_cast<void>(driver.post_to_gateway(caller, note));
    }
  }

  // -- adopted cores -------------------------------------------------------------------------------------------------

  bool adopted_here(core_id which) {
    const std::lock_guard lock{stop_mutex_};
    return adopted_by_[which.value] == std::this_thread::get_id();
  }

  std::optional<std::size_t> adopted_core() {
    const std::lock_guard lock{stop_mutex_};
    const auto found = std::find(adopted_by_.begin(), adopted_by_.end(), std::this_thread::get_id());
    if (found == adopted_by_.end()) return {};
    return static_cast<std::size_t>(found - adopted_by_.begin());
  }

  // The calling thread is the core, until somebody asks it to stop.
  void run_adopted(std::size_t i) {
    driver_type& driver = *this->drivers_[i];
    const current_core_scope scope{driver};
    const int fd = *driver.wake_fd();
    for (unsigned idle = 0;;) {
      {
        const std::lock_guard lock{stop_mutex_};
        if (stop_requested_) break;
      }
      idle = driver.poll_once() ? 0 : idle + 1;
      if (idle < 1000) continue;
      idle = 0;
      sleep_on(driver, fd);
    }
    const std::lock_guard lock{stop_mutex_};
    stop_requested_ = false;
  }

  static void sleep_on(driver_type& driver, int fd) {
    const instant until = driver.prepare_to_park();
    const instant now = native::now();
    if (until > now) {
      pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
      const auto left =
          until == never ? -1 : static_cast<int>(std::min<std::int64_t>((until - now) / milliseconds{1} + 1, 1000));
      ::poll(&readable, 1, left);
    }
    driver.unpark();
  }

  // Waiting for other cores, on a thread that may itself be one of them, or several.
  void wait_a_little() {
    if (adopted().empty()) return std::this_thread::sleep_for(look_again);
    step(never);
  }

  // -- stopping ------------------------------------------------------------------------------------------------------

  std::string blockers() {
    std::string text;
    for (const core_status& s : status()) {
      if (s.state == core_state::down || this->drivers_[s.id.value]->view().stopped.read()) continue;
      const bool waits_for_its_thread = !s.busy_endpoint && stepped(s.id.value) && !adopted_here(s.id);
      if (!s.busy_endpoint && !waits_for_its_thread) continue;
      if (!text.empty()) text += "; ";
      if (waits_for_its_thread) {
        text +=
            fmt::format("core {} (PU {}) is stepped by hand, and its thread makes no turns", s.id.value, s.pu_index);
        continue;
      }
      text += s.busy_endpoint == driver_view::in_job
                  ? fmt::format("core {} (PU {}) is in a job", s.id.value, s.pu_index)
                  : fmt::format("core {} (PU {}) is in the handler of endpoint {}", s.id.value, s.pu_index,
                                *s.busy_endpoint);
    }
    return text.empty() ? "no core is in a handler; their work does not come to an end" : text;
  }

  bool all_view(announcement driver_view::*flag) const {
    for (const auto& driver : this->drivers_) {
      const driver_view& view = driver->view();
      if (!view.down.read() && !(view.*flag).read()) return false;
    }
    return true;
  }

  void post_to_all(void (driver_type::*action)()) {
    native_environment<Mode> caller;
    for (const auto& driver : this->drivers_) {
      if (driver->view().down.read()) continue;
      for (;;) {
        work_type work = [action](driver_type& d) { (d.*action)(); };
        if (driver->view().stopped.read() || driver->post_to_gateway(caller, work)) break;
        wait_a_little();
      }
    }
  }

  // Twice quiet with nothing done in between: then nothing was under way.
  bool wait_until_quiet(clock::time_point limit) {
    for (;;) {
      const std::uint64_t before = this->work_done();
      for (const auto& driver : this->drivers_) driver->view().quiet.set(false);
      // Parked drivers do not tick: a job wakes them, and then they say that they are quiet.
      post_to_all(&driver_type::begin_stop);
      while (!all_view(&driver_view::quiet)) {
        if (clock::now() > limit) return false;
        wait_a_little();
      }
      if (this->work_done() <= before + this->drivers_.size()) return true;
      if (clock::now() > limit) return false;
    }
  }

  // Cores that nobody ever stepped could not stop either: whoever stops the machine steps them.
  void adopt_the_unowned() {
    const std::lock_guard lock{stop_mutex_};
    for (std::size_t i = 0; i < adopted_by_.size(); ++i) {
      if (stepped(i) && adopted_by_[i] == std::thread::id{}) adopted_by_[i] = std::this_thread::get_id();
    }
  }

  result<void> stop_locked(duration deadline) {
    const std::lock_guard lock{life_mutex_};
    if (all_stopped_) return {};
    adopt_the_unowned();
    const auto limit = clock::now() + deadline;
    if (!stopped_.exchange(true)) static_cast<void>(wait_until_quiet(std::min(limit, clock::now() + chatter_limit)));
    post_to_all(&driver_type::stop_now);
    while (!all_view(&driver_view::stopped)) {
      if (clock::now() > limit) return error{errc::stop_timeout, blockers()};
      wait_a_little();
    }
    join_all();
    all_stopped_ = true;
    return {};
  }

  void join_all() {
    for (std::thread& t : threads_) {
      if (t.joinable()) t.join();
    }
  }

  machine_options options_;
  std::vector<core_claim> claims_;
  std::vector<std::thread> threads_;
  std::promise<bool> go_;
  std::shared_future<bool> start_ = go_.get_future().share();

  std::mutex life_mutex_;  // down, up, stop: one at a time
  std::set<std::size_t> leaving_;
  std::atomic<bool> stopped_{false};
  bool all_stopped_ = false;

  std::mutex stop_mutex_;
  std::condition_variable stop_wanted_;
  bool stop_requested_ = false;
  std::vector<std::thread::id> adopted_by_;

  mutable stall_watch watch_;
  std::unique_ptr<control_socket> service_;
};

// Claims for all cores; where the caller named none, those that others hold are left out.
result<std::vector<core_claim>> claim(const topology& where, std::vector<core_id>& cores, bool named,
                                      std::vector<std::string>& lost) {
  std::vector<core_claim> claims;
  std::vector<core_id> kept;
  std::string refused;
  std::set<core_id> seen;
  for (const core_id c : cores) {
    if (!seen.insert(c).second) {
      kept.push_back(c);
      continue;
    }
    auto taken = core_claim::take(where.threads()[c.value].pu_index);
    if (taken) {
      claims.push_back(std::move(*taken));
      kept.push_back(c);
    } else if (named || taken.error().code() != errc::core_claimed) {
      return taken.error();
    } else {
      lost.push_back("a core: " + taken.error().detail());
      refused += (refused.empty() ? "" : "; ") + taken.error().detail();
    }
  }
  if (kept.empty()) return error{errc::core_claimed, refused};
  cores = std::move(kept);
  return claims;
}

template <barrier_mode Mode>
result<std::unique_ptr<machine>> start(const topology& where, std::vector<core_id> cores, machine_options options,
                                       std::vector<core_claim> claims, std::vector<std::string> lost) {
  auto made = std::make_unique<native_machine<Mode>>(where, std::move(cores), std::move(options), std::move(claims));
  made->note_lost(std::move(lost));
  if (const auto started = made->start(); !started) return started.error();
  return std::unique_ptr<machine>{std::move(made)};
}

}  // namespace
}  // namespace cooper::detail

namespace cooper {

result<std::unique_ptr<machine>> machine::boot(const topology& where, machine_options options) {
  using namespace detail;
  if (!where.is_this_machine()) {
    return error{errc::not_supported_here, "a described machine cannot be booted; machine::simulate can run it"};
  }
  auto cores = choose_cores(where, options.cores, true, options.allow_oversubscription);
  if (!cores) return cores.error();
  for (const core_id c : options.stepped) {
    if (c.value >= cores->size()) return error{errc::no_such_core, fmt::format("stepped core {}", c.value)};
  }
  std::vector<std::string> lost;
  std::vector<core_claim> claims;
  if (options.claim) {
    auto taken = claim(where, *cores, !options.cores.empty(), lost);
    if (!taken && taken.error().code() != errc::claim_failed) return taken.error();
    if (taken) {
      claims = std::move(*taken);
    } else {
      lost.push_back("core claims: " + taken.error().message());
    }
  }
  if (!options.crash_directory.empty()) {
    if (const auto installed = install_flight_recorder(options.crash_directory); !installed) {
      lost.push_back("flight recorder: " + installed.error().message());
    }
  }
  if (options.force_fence) {
    return start<barrier_mode::fence>(where, std::move(*cores), std::move(options), std::move(claims), std::move(lost));
  }
  if (!native::membarrier_available()) {
    lost.push_back("membarrier(2): every send pays a fence");
    return start<barrier_mode::fence>(where, std::move(*cores), std::move(options), std::move(claims), std::move(lost));
  }
  return start<barrier_mode::membarrier>(where, std::move(*cores), std::move(options), std::move(claims),
                                         std::move(lost));
}

}  // namespace cooper
