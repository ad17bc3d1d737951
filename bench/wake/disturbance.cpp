// SPDX-License-Identifier: BSD-3-Clause
// What a core that parks often takes from a core that computes: parking is a membarrier(2), which interrupts every core
// that runs a thread of this process. A timer wakes the parked driver again and again; the other core counts.
#include <cooper/runtime/native_environment.hpp>

#include "support/driver_rig.hpp"
#include "support/interrupt.hpp"
#include "support/statistics.hpp"
#include "wake/wake.hpp"

namespace cooper::bench::wake {
namespace {

constexpr duration window = std::chrono::milliseconds{8};

// On the driver: a timer that sets itself again while it is on.
struct alarm_clock {
  duration period{std::chrono::microseconds{50}};
  bool on = false;
  std::uint64_t rings = 0;

  void ring(core& here) {
    if (!on) return;
    ++rings;
    here.after(period, [this, &here] { ring(here); });
  }
};

// How far this core counts in a window: pure arithmetic in registers.
double count_rate() {
  std::uint64_t turns = 0;
  const instant begin = native::now();
  instant now = begin;
  while (now - begin < window) {
    std::uint64_t x = turns;
    for (int i = 0; i < 2000; ++i) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      asm volatile("" : "+r"(x));
    }
    ++turns;
    now = native::now();
  }
  return static_cast<double>(turns) / static_cast<double>((now - begin).count());
}

}  // namespace

void measure_disturbance(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  out.unit = "% of the other core";
  machine_options options = driver_options(r, 2);
  options.cores.erase(options.cores.begin());
  options.poll_budget = duration{0};
  auto booted = machine::boot(*r.options().where, std::move(options));
  if (!booted) {
    explain_failure(out, booted.error());
    r.add(std::move(out));
    return;
  }
  machine& m = *booted.value();
  alarm_clock alarm;
  const auto set = [&](bool on) {
    return m.call(core_id{0}, [&alarm, on](core& here) {
      const bool starts = on && !alarm.on;
      alarm.on = on;
      if (starts) alarm.ring(here);
    });
  };
  team counting{{r.cpu(0)}};
  const auto rate = [&](bool disturbed) {
    double counted = 0;
    if (!set(disturbed)) out.error = "the machine stopped";
    counting.lead([&](session&) { counted = count_rate(); });
    return counted;
  };
  const sampling_plan plan = r.plan();
  const instant end = native::now() + duration{static_cast<std::int64_t>(plan.seconds * 1e9)};
  double quiet = rate(false);
  double disturbed_s = 0;
  for (int done = 0; !interrupted() && (plan.smoke ? done < 2 : done < 3 || native::now() < end); ++done) {
    const double disturbed = rate(true);
    const double quiet_again = rate(false);
    out.values.push_back(100 * (1 - 2 * disturbed / (quiet + quiet_again)));
    quiet = quiet_again;
    disturbed_s += std::chrono::duration<double>(window).count();
  }
  out.iterations = out.values.size();
  booted = error{errc::stopped};  // the machine stops before the objects that its handlers use go
  if (disturbed_s > 0) {
    out.parameters = "";
    out.label += "; " + std::to_string(static_cast<std::uint64_t>(static_cast<double>(alarm.rings) / disturbed_s)) +
                 " wake-ups a second";
  }
  r.add(std::move(out));
}

}  // namespace cooper::bench::wake
