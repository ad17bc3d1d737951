// SPDX-License-Identifier: BSD-3-Clause
// What the bodies of the footprint check stand on: a conversation of two real cores, and what was found in it.
//
// Code that is checked keeps what each core touches in lines of its own; so do these tests (`apart`).
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <cooper/vocabulary/line.hpp>
#include "machines.hpp"
#include "report.hpp"

namespace cooper::test {

// Of one core, in lines that no other core touches.
template <class T>
struct alignas(destructive_bytes) apart {
  T value{};
};

// Fails the test if two cores touched a line that they should not. Prints each finding. `libraries` are namespaces
// whose own sharing is known; doctest counts assertions for all threads.
inline void check_footprint(std::vector<std::string_view> libraries = {}) {
  libraries.push_back("doctest::");
  for (const auto& found : footprint::explain_violations(libraries)) {
    if (found.made_in.empty()) FAIL_CHECK(found.text);
  }
}

// What the two cores of one conversation do: core 0 sends a number to core 1, which sends it back, so many times.
struct rally {
  std::uint64_t rounds = 5000;
  lane via = lane::request;
  bool post = false;
  // Runs in each handler, on its core.
  std::function<void(core&, std::uint64_t)> at_each = {};
  std::function<void(core&, const line_view&)> at_line = {};
};

class players {
 public:
  players(machine& m, rally how) : m_{m}, how_{std::move(how)} {
    for (std::size_t i = 0; i < 2; ++i) {
      sides_[i].value = std::make_unique<side>();
      sides_[i].value->all = this;
      sides_[i].value->me = ask(m, i, [&, s = sides_[i].value.get()](core& here) {
        return *here.open([](void* self, core& on, const line_view& line) { static_cast<side*>(self)->hit(on, line); },
                          s);
      });
    }
    for (std::size_t i = 0; i < 2; ++i) {
      on(m, i, [mine = sides_[i].value.get(), to = sides_[1 - i].value->me](core&) { mine->to = to; });
    }
  }

  void play() {
    on(m_, 0, [s = sides_[0].value.get()](core& here) { s->send(here, 0); });
    m_.run();
  }

 private:
  struct alignas(destructive_bytes) side {
    const players* all = nullptr;
    address me, to;

    void send(core& here, std::uint64_t n) const {
      const auto sent =
          all->how_.post ? here.post(to, 1, number{n}, all->how_.via) : here.send(to, 1, number{n}, all->how_.via);
      CHECK(sent == send_result::ok);
    }
    void hit(core& here, const line_view& line) const {
      const std::uint64_t n = line.as<number>().value;
      if (all->how_.at_each) all->how_.at_each(here, n);
      if (all->how_.at_line) all->how_.at_line(here, line);
      if (n == all->how_.rounds) return here.home().request_stop();
      send(here, n + 1);
    }
  };

  machine& m_;
  rally how_;
  std::array<apart<std::unique_ptr<side>>, 2> sides_;
};

}  // namespace cooper::test
