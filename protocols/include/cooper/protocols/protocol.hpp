// SPDX-License-Identifier: BSD-3-Clause
// What a protocol is: one core's part of a conversation, as a value with steps.
//
//   node.receive(from, message, out)    a line came from a core
//   node.expired(timer, out)            a timer that was set has run out
//   node.restarted(out)                 this core begins a new life; of its state only the durable part is left
//
// and whatever begins it, which each protocol names itself. A step changes the node, and says in `out` what its host is
// to do; it reads no clock, draws no chance, allocates nothing and calls nobody else. So it runs the same on a real
// core, on a simulated one and in the explorer, and whoever has a node and the events has everything.
//
// A node is plain bytes without holes: it can be copied, compared and hashed as such. What stands in unused places is
// zero, so that equal states are equal bytes.
//
//   I1  a host does what a step says after the step, in order, and keeps the durable part before it sends anything
//   I2  lines from one core to another arrive in the order in which they were sent, or not at all
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/line.hpp>

namespace cooper::protocols {

// Time as hosts hand it in; how long one is, is the host's choice.
using tick = std::uint64_t;

template <class Message, class Report>
class effects {
 public:
  effects() = default;
  effects(const effects&) = delete;
  effects& operator=(const effects&) = delete;

  virtual void send(core_id to, const Message& m) = 0;
  // Every other core of the machine that lives receives it, from this one, in the order of what this one publishes; not
  // in order with what it sends. One shared line where the host has one, else as many lines as there are others.
  virtual void publish(const Message& m) = 0;
  // expired(timer) follows after so many ticks, unless it is set anew or cancelled before.
  virtual void set_timer(std::uint8_t timer, tick after) = 0;
  virtual void cancel_timer(std::uint8_t timer) = 0;
  // What this core has come to: for whoever asked, and for invariants.
  virtual void report(const Report& what) = 0;

 protected:
  ~effects() = default;
};

template <class T>
concept plain_bytes = std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>;

template <class P>
using effects_of = effects<typename P::message, typename P::report>;

template <class P>
concept protocol = plain_bytes<P> && plain_bytes<typename P::message> && line_payload<typename P::message> &&
    plain_bytes<typename P::report> &&
    requires(P& node, const typename P::message& m, const typename P::report& r, effects_of<P>& out) {
  node.receive(core_id{}, m, out);
  node.expired(std::uint8_t{}, out);
  node.restarted(out);
  // For transcripts: a few words.
  { P::words_of(m) } -> std::same_as<std::string>;
  { P::words_of(r) } -> std::same_as<std::string>;
};

}  // namespace cooper::protocols
