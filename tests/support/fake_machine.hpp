// SPDX-License-Identifier: BSD-3-Clause
// A machine that is none: what a bare driver (basic_driver<Platform>) of a test refers to as its home.
//
// A driver only stores the reference, so every member here refuses, or says that there is nothing.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <cooper/runtime/machine.hpp>

namespace cooper::test {

class fake_machine final : public machine {
 public:
  const topology& where() const override {
    static const topology described = *topology::from_synthetic("pu:1");
    return described;
  }
  std::size_t core_count() const override { return 0; }
  bool simulated() const override { return true; }
  const std::vector<std::string>& lost() const override { return lost_; }
  result<void> post(core_id, std::function<void(core&)>) override { return refused(); }
  result<void> call(core_id, std::function<void(core&)>) override { return refused(); }
  void run() override {}
  void request_stop() override {}
  result<void> down(core_id, duration) override { return refused(); }
  result<void> up(core_id) override { return refused(); }
  result<void> stop(duration) override { return refused(); }
  result<core*> adopt(core_id) override { return refused(); }
  bool step(instant) override { return false; }
  std::vector<core_id> adopted() override { return {}; }
  std::vector<core_status> status() const override { return {}; }
  std::string prometheus() const override { return {}; }
  void set_tracing(bool) override {}
  std::string chrome_trace() const override { return {}; }

 private:
  static error refused() { return {errc::not_supported_here, "this machine is a test's stand-in"}; }

  std::vector<std::string> lost_;
};

}  // namespace cooper::test
