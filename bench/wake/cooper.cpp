// SPDX-License-Identifier: BSD-3-Clause
// A line to a parked driver. The measuring thread is a CPU driver itself, stepped by hand, so that the
// line takes the way that every line takes: publish, look whether the receiver is parked, write its eventfd.
#include "support/driver_rig.hpp"
#include "wake/sleeper.hpp"
#include "wake/wake.hpp"

namespace cooper::bench::wake {
namespace {

struct wake_up {
  std::uint64_t sequence;
};

class driver_sleeper final : public sleeper {
 public:
  driver_sleeper(machine& m, address receiver) : machine_{m}, receiver_{receiver} {}

  static void handle(void* object, core&, const line_view& line) {
    static_cast<sleeper*>(object)->answered.value.store(line.as<wake_up>().sequence, std::memory_order_release);
  }

  // On the thread that measures.
  bool adopt() {
    const result<core*> adopted = machine_.adopt(core_id{0});
    if (adopted) here_ = *adopted;
    return static_cast<bool>(adopted);
  }
  void wake(std::uint64_t sequence) override {
    // While the channel is being bound, and only then, the line waits in overflow and needs turns to leave it.
    while (here_->send(receiver_, 1, wake_up{sequence}) != send_result::ok) here_->poll_once();
    for (int turns = 0; binding_ && answered.value.load(std::memory_order_acquire) != sequence;) {
      here_->poll_once();
      if (++turns > 1'000'000) std::this_thread::yield();
    }
    binding_ = false;
  }
  void await_sleep() override {
    while (machine_.status()[1].state != core_state::parked) here_->poll_once();
    here_->poll_once();
  }

 private:
  machine& machine_;
  address receiver_;
  core* here_ = nullptr;
  bool binding_ = true;
};

}  // namespace

void measure_cooper(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  machine_options options = driver_options(r, 2);
  options.stepped = {core_id{0}};
  options.poll_budget = duration{0};
  auto booted = machine::boot(*r.options().where, std::move(options));
  if (!booted) {
    explain_failure(out, booted.error());
    r.add(std::move(out));
    return;
  }
  machine& m = *booted.value();
  address receiver;
  driver_sleeper* asleep = nullptr;
  // The handler's object must be there before its address is; the address is filled in below.
  const result<void> opened = m.call(core_id{1}, [&](core& here) {
    const auto at = here.open(
        [](void* object, core& c, const line_view& line) {
          driver_sleeper::handle(*static_cast<driver_sleeper**>(object), c, line);
        },
        &asleep);
    if (at) receiver = *at;
  });
  driver_sleeper contender_side{m, receiver};
  asleep = &contender_side;
  {
    eventfd_sleeper floor{r.cpu(1)};
    team waker{{r.cpu(0)}};
    waker.lead([&](session&) {
      if (!opened || !contender_side.adopt()) {
        out.error = "the measuring thread could not become a CPU driver";
        return;
      }
      sample_wake_ups(contender_side, floor, r.plan(), out);
      // Who steps a core stops the machine, for the core's last turns are made here.
      if (const result<void> stopped = m.stop(); !stopped) out.error = stopped.error().message();
    });
  }
  booted = error{errc::stopped};  // the machine stops before the objects that its handlers use go
  r.add(std::move(out));
}

}  // namespace cooper::bench::wake
