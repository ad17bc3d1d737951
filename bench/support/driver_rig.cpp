// SPDX-License-Identifier: BSD-3-Clause
#include "support/driver_rig.hpp"

#include <cooper/vocabulary/assert.hpp>

#include "support/measure.hpp"

namespace cooper::bench {

machine_options driver_options(const bench::run& r, std::size_t cores) {
  machine_options options;
  const auto& chosen = r.options().cores;
  options.cores.assign(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(cores));
  options.claim = r.options().claim;
  options.control_socket = false;
  options.stall_after = duration{0};  // a floor window is one long handler
  return options;
}

result<std::unique_ptr<driver_rig>> driver_rig::boot(const bench::run& r, std::size_t cores) {
  machine_options options = driver_options(r, cores);
  options.poll_budget = std::chrono::hours{1};
  auto booted = machine::boot(*r.options().where, std::move(options));
  if (!booted) return booted.error();
  return std::unique_ptr<driver_rig>{new driver_rig{std::move(booted).value()}};
}

driver_rig::~driver_rig() { static_cast<void>(machine_->stop()); }

void driver_rig::run(const std::function<void(std::size_t)>& job) {
  for (std::size_t i = 0; i < size(); ++i) {
    post(i, [this, &job, i](core&) {
      job(i);
      done_.release();
    });
  }
  for (std::size_t i = 0; i < size(); ++i) done_.acquire();
}

void driver_rig::post(std::size_t member, std::function<void(core&)> work) {
  const result<void> posted = machine_->post(core_number(member), std::move(work));
  COOPER_ASSERT(posted, "a running machine takes work");
}

void driver_rig::call(std::size_t member, std::function<void(core&)> work) {
  const result<void> called = machine_->call(core_number(member), std::move(work));
  COOPER_ASSERT(called, "a running machine takes work");
}

row measure_on_drivers(bench::run& r, row out, std::size_t cores, const conversation_maker& make) {
  return measure_on_drivers(r, std::move(out), cores, make, r.plan());
}

row measure_on_drivers(bench::run& r, row out, std::size_t cores, const conversation_maker& make,
                       const sampling_plan& plan, const peer_maker& peer) {
  auto booted = driver_rig::boot(r, cores);
  if (!booted) {
    explain_failure(out, booted.error());
    return out;
  }
  driver_rig& rig = **booted;
  auto talk = make(rig.home());
  if (!talk) {
    out.error = talk.error().message();
    return out;
  }
  const timed_operations operations = [&](std::uint64_t count) {
    (*talk)->begin(count);
    return (*talk)->line.wait();
  };
  sample_windows(rig, r.floor(), operations, peer ? peer(rig) : timed_operations{}, plan, out);
  booted = error{errc::stopped};  // the machine stops before the objects that its handlers use go
  if (!(*talk)->intact()) out.error = damaged;
  return out;
}

void explain_failure(row& r, const error& why) {
  r.error = why.message();
  r.skipped = why.code() == errc::core_claimed;
}

}  // namespace cooper::bench
