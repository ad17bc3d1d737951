// SPDX-License-Identifier: BSD-3-Clause
// CPU drivers as the threads of a measurement: the floor runs as a job of the drivers that the contender runs on.
//
// Led from the main thread, which sleeps while the drivers work. The drivers poll and never park.
#pragma once

#include <memory>
#include <semaphore>

#include <cooper/runtime/machine.hpp>

#include "support/conversation.hpp"
#include "support/run.hpp"

namespace cooper::bench {

// The first `cores` of the run, as a machine's options: no control socket, no stall reports.
machine_options driver_options(const run& r, std::size_t cores);

class driver_rig final : public session {
 public:
  static result<std::unique_ptr<driver_rig>> boot(const bench::run& r, std::size_t cores);
  ~driver_rig() override;

  machine& home() { return *machine_; }
  std::size_t size() const override { return machine_->core_count(); }
  void run(const std::function<void(std::size_t member)>& job) override;

  // Runs work on a core and returns; the machine stops answering only when it is gone, so a failure is a bug.
  void post(std::size_t member, std::function<void(core&)> work);
  void call(std::size_t member, std::function<void(core&)> work);

 private:
  explicit driver_rig(std::unique_ptr<machine> m) : machine_{std::move(m)} {}

  std::unique_ptr<machine> machine_;
  std::counting_semaphore<> done_{0};
};

// A conversation on the drivers of a rig: boots it, samples against the floor and, where there is one, a peer.
using peer_maker = std::function<timed_operations(driver_rig&)>;
row measure_on_drivers(run& r, row out, std::size_t cores, const conversation_maker& make, const sampling_plan& plan,
                       const peer_maker& peer = {});
row measure_on_drivers(run& r, row out, std::size_t cores, const conversation_maker& make);

// Marks a row with the reason why the machine did not boot; a machine that lacks the cores is no fault of ours.
void explain_failure(row& r, const error& why);

}  // namespace cooper::bench
