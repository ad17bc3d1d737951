// SPDX-License-Identifier: BSD-3-Clause
// The ring by itself: order, payload, credit, lives.
#include "parts.hpp"

#include <memory>

#include <cooper/runtime/channel.hpp>

namespace cooper::model {
namespace {

using sender_type = basic_sender<model_environment>;
using receiver_type = basic_receiver<model_environment>;

struct ring {
  sender_type sender;
  receiver_type receiver;
};

std::shared_ptr<ring> make_ring(program& p, std::size_t capacity, std::size_t credit_batch) {
  auto env = p.environment();
  auto ends = receiver_type::bind(env, capacity, 0, credit_batch);
  return std::make_shared<ring>(ring{std::move(ends.first), std::move(ends.second)});
}

void send(model_environment& env, sender_type& to, std::uint64_t value) {
  std::byte* payload = to.claim(env);
  while (payload == nullptr) {
    env.pause();
    payload = to.claim(env);
  }
  std::memcpy(payload, &value, sizeof value);
  to.publish(env, {.type = static_cast<message_type>(value & 0xfff)});
}

std::uint64_t receive(model_environment& env, receiver_type& from) {
  auto line = from.observe(env);
  while (!line) {
    env.pause();
    line = from.observe(env);
  }
  std::uint64_t value = 0;
  std::memcpy(&value, line.payload, sizeof value);
  check(line.header.type == (value & 0xfff), "a line's header and payload belong together");
  from.release(env);
  return value;
}

// More lines than the ring holds, so every slot is reused on returned credit.
setup_function in_order(std::size_t capacity, std::size_t credit_batch, std::uint64_t lines) {
  return [=](program& p) {
    auto r = make_ring(p, capacity, credit_batch);
    p.thread("sender", [=](model_environment env) {
      for (std::uint64_t i = 1; i <= lines; ++i) send(env, r->sender, i);
    });
    p.thread("receiver", [=](model_environment env) {
      for (std::uint64_t i = 1; i <= lines; ++i) {
        check(receive(env, r->receiver) == i, "lines arrive in order, once, with their payload");
      }
    });
  };
}

// The ring's memory in its next life, with the lines of the life before still in it.
void next_life(program& p) {
  auto r = make_ring(p, 2, 1);
  auto env = p.environment();
  for (std::uint64_t i = 1; i <= 2; ++i) {
    send(env, r->sender, i);
    check(receive(env, r->receiver) == i, "the first life works");
  }
  auto ends = std::move(r->receiver).rebind(env);
  r->sender = std::move(ends.first);
  r->receiver = std::move(ends.second);
  p.thread("sender", [=](model_environment e) { send(e, r->sender, 7); });
  p.thread("receiver",
           [=](model_environment e) { check(receive(e, r->receiver) == 7, "a line of an older life is refused"); });
}

// A sender that uses up its credit, receives all of it back, and uses it up again: none may be lost on the way.
void credit_comes_back(program& p) {
  auto r = make_ring(p, 2, 1);
  p.thread("sender", [=](model_environment env) {
    for (std::uint64_t i = 1; i <= 4; ++i) send(env, r->sender, i);
  });
  p.thread("receiver", [=](model_environment env) {
    for (std::uint64_t i = 1; i <= 4; ++i) check(receive(env, r->receiver) == i, "no credit is lost");
  });
}

}  // namespace

void add_channel_scenarios(std::vector<scenario>& all) {
  all.push_back({"channel: three lines through two slots", in_order(2, 1, 3)});
  all.push_back({"channel: five lines through four slots, credit in pairs", in_order(4, 2, 5)});
  all.push_back({"channel: the next life in the same memory", next_life});
  all.push_back({"channel: four lines through two slots, credit in pairs", in_order(2, 2, 4)});
  all.push_back({"channel: credit is used up twice", credit_comes_back});
}

}  // namespace cooper::model
