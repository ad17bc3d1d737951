// SPDX-License-Identifier: BSD-3-Clause
// Actors under test: on a simulated machine where nothing costs time, turned by the test.
//
//   stage s{{.cores = 2, .seed = 7}};
//   auto counter = s.spawn<tally>(core_id{1});
//   s.tell(counter, add{3});
//   s.run();                                          // until nothing is left to happen now
//   CHECK(s.ask(counter, get{})->value == 3);
//
//   auto audience = s.probe();
//   s.send(counter->handle(), report_atom::value, audience.handle());
//   s.run();
//   CHECK(audience.next<int>() == 3);
//   s.advance(5ms);                                   // the clock stands still otherwise
//
// One thread, no sleeping, no waiting: every run with one seed is the same, and another seed is another order of turns
// among the cores. What waits for a thread of its own (blocking actors, scoped_actor, brokers, groups) does not belong
// here: nobody turns the cores while it waits. All members are for the thread that made the stage.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/expected.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>

#include <cooper/actors/core_actor.hpp>
#include <cooper/actors/core_scheduler.hpp>
#include <cooper/actors/spawn.hpp>
#include <cooper/runtime/machine.hpp>
#include <cooper/runtime/topology.hpp>

namespace cooper::testing {

struct stage_options {
  std::size_t cores = 2;
  std::uint64_t seed = 1;             // of the order in which cores take their turns
  std::string placement = "spawner";  // as the setting cooper.placement
  std::size_t overflow_bound = 1024;  // small, to see what happens when there is no room
};

// An actor that keeps what it is sent, for the test to look at.
class probe {
 public:
  const caf::actor& handle() const noexcept { return handle_; }
  std::size_t size() const noexcept { return got_->size(); }
  bool empty() const noexcept { return got_->empty(); }
  // The oldest message, if it has these types: then it is taken out.
  template <class... Ts>
  auto next() {
    using values =
        std::conditional_t<sizeof...(Ts) == 1, std::tuple_element_t<0, std::tuple<Ts..., void>>, std::tuple<Ts...>>;
    std::optional<values> taken;
    if (got_->empty() || !got_->front().template match_elements<Ts...>()) return taken;
    taken.emplace(pick<values, Ts...>(got_->front(), std::index_sequence_for<Ts...>{}));
    got_->pop_front();
    return taken;
  }
  // What the oldest message says; empty if there is none.
  std::string text() const { return got_->empty() ? std::string{} : caf::to_string(got_->front()); }

 private:
  friend class stage;
  using messages = std::deque<caf::message>;
  template <class Values, class... Ts, std::size_t... I>
  static Values pick(const caf::message& m, std::index_sequence<I...>) {
    return Values(m.template get_as<Ts>(I)...);
  }
  probe(caf::actor handle, std::shared_ptr<messages> got) : handle_{std::move(handle)}, got_{std::move(got)} {}
  caf::actor handle_;
  std::shared_ptr<messages> got_;
};

class stage {
 public:
  // Throws std::runtime_error with the reason.
  explicit stage(const stage_options& options = {}) {
    simulation_options costs;
    costs.seed = options.seed;
    costs.costs = profile::free();
    costs.poll_budget = duration::zero();
    costs.overflow_bound = options.overflow_bound;
    const auto where = topology::from_synthetic("pu:" + std::to_string(options.cores));
    machine_ = value_of(machine::simulate(value_of(where), costs));
    caf::put(config_.content, "cooper.placement", options.placement);
    // One message a run: turns are the steps of a test, and small.
    caf::put(config_.content, "scheduler.max-throughput", std::size_t{1});
    actors::run_on(config_, *machine_);
    system_ = std::make_unique<caf::actor_system>(config_);
    // At the end actors may still be there, and nobody would turn their cores while the system waits for them.
    system_->await_actors_before_shutdown(false);
    prompter_ = value_of(actors::spawn_on<prompter, caf::hidden>(*system_, core_id{0}));
    run();
  }
  // Ends the actors that are left.
  ~stage() {
    prompter_ = {};
    system_.reset();
    static_cast<void>(machine_->stop());
  }
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;

  caf::actor_system& system() noexcept { return *system_; }
  machine& on() noexcept { return *machine_; }
  actors::core_scheduler& scheduler() noexcept { return *actors::core_scheduler::of(*system_); }
  instant now() const { return machine_->now(); }

  // As actors::spawn_on; throws std::runtime_error where that gives an error.
  template <class Actor, class... Ts>
  auto spawn(actors::place where, Ts&&... xs) {
    return value_of(actors::spawn_on<Actor>(*system_, where, std::forward<Ts>(xs)...));
  }
  template <class F, class... Ts>
  requires(!std::is_convertible_v<F, actors::place>) auto spawn(actors::place where, F fun, Ts&&... xs) {
    return value_of(actors::spawn_on(*system_, where, std::move(fun), std::forward<Ts>(xs)...));
  }
  // A new probe, on a core.
  testing::probe probe(core_id where = core_id{0}) {
    auto got = std::make_shared<testing::probe::messages>();
    return {value_of(actors::spawn_on(*system_, where, &keep, got)), got};
  }

  // One turn of one core. False: nothing is left to happen now.
  bool step() { return machine_->step(now()); }
  // Turns until nothing is left to happen now. Throws std::runtime_error if that takes more than `turns`: a
  // conversation that feeds itself does not end.
  void run(std::size_t turns = 1'000'000) {
    while (step()) {
      if (turns-- == 0) throw std::runtime_error{"stage: this conversation does not end; step() through it"};
    }
  }
  // Moves the clock on; what falls due on the way happens in its order.
  void advance(duration time) {
    run();
    machine_->run_until(now() + time);
  }

  // A CAF message from nobody.
  template <class Handle, class... Ts>
  void send(const Handle& to, Ts&&... xs) {
    caf::anon_send(to, std::forward<Ts>(xs)...);
  }
  // A one-way line, from an actor on core 0.
  template <class To, class Message>
  send_result tell(const To& to, const Message& message) {
    send_result sent = send_result::closed;
    prompt([&](prompter& p) { sent = p.tell(to, message); });
    return sent;
  }

  // The answer to a call or request that is under way.
  template <class Answer>
  class answer {
   public:
    bool arrived() const noexcept { return value_->has_value(); }
    // Throws std::logic_error if it has not arrived.
    const Answer& get() const {
      if (!arrived()) throw std::logic_error{"stage: no answer came; run() or advance() first"};
      return **value_;
    }

   private:
    friend class stage;
    std::shared_ptr<std::optional<Answer>> value_ = std::make_shared<std::optional<Answer>>();
  };

  // A line call from an actor on core 0: begun, or run until it is answered.
  template <class To, class Message>
  auto call(const To& to, const Message& message, std::optional<duration> deadline = actors::no_deadline) {
    using reply = typename actors::detail::reply_of<Message, actors::detail::protocol_of<To>>::type;
    answer<result<reply>> to_come;
    prompt([&](prompter& p) {
      p.call(to, message, deadline, [value = to_come.value_](result<reply> r) { value->emplace(std::move(r)); });
    });
    return to_come;
  }
  template <class To, class Message>
  auto ask(const To& to, const Message& message) {
    return run_for(call(to, message));
  }
  // A CAF request, with the answer's type first: s.request<int>(handle, get_atom::value).
  template <class Answer, class Handle, class... Ts>
  answer<caf::expected<Answer>> begin_request(const Handle& to, Ts&&... xs) {
    answer<caf::expected<Answer>> to_come;
    prompt([&](prompter& p) {
      p.request(to, caf::infinite, std::forward<Ts>(xs)...)
          .then([value = to_come.value_](Answer& a) { value->emplace(std::move(a)); },
                [value = to_come.value_](caf::error& e) { value->emplace(std::move(e)); });
    });
    return to_come;
  }
  template <class Answer, class Handle, class... Ts>
  caf::expected<Answer> request(const Handle& to, Ts&&... xs) {
    return run_for(begin_request<Answer>(to, std::forward<Ts>(xs)...));
  }

 private:
  // Speaks for the test.
  struct prompter : actors::core_actor<prompter, actors::protocol<>> {
    using core_actor::core_actor;
    caf::behavior make_behavior() override {
      return {[](caf::unit_t) {}};
    }
  };
  static caf::behavior keep(caf::event_based_actor* self, const std::shared_ptr<testing::probe::messages>& got) {
    self->set_default_handler([got](caf::scheduled_actor*, caf::message_view& view) -> caf::result<caf::message> {
      got->push_back(view.move_content_to_message());
      return caf::message{};
    });
    self->set_down_handler([got](caf::down_msg& down) { got->push_back(caf::make_message(std::move(down))); });
    self->set_exit_handler([got](caf::exit_msg& exit) { got->push_back(caf::make_message(std::move(exit))); });
    return {[](caf::unit_t) {}};
  }

  template <class T>
  static T value_of(result<T> r) {
    if (!r) throw std::runtime_error{"stage: " + r.error().message()};
    return std::move(*r);
  }
  template <class F>
  void prompt(F f) {
    auto& who = static_cast<prompter&>(const_cast<actors::resident&>(*prompter_));
    const auto done = machine_->call(core_id{0}, [&](core&) { who.actors::resident::activate([&] { f(who); }); });
    if (!done) throw std::runtime_error{"stage: " + done.error().message()};
  }
  template <class Answer>
  Answer run_for(answer<Answer> to_come) {
    run();
    return to_come.get();
  }

  std::unique_ptr<machine> machine_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  actors::core_ref<prompter> prompter_;
};

}  // namespace cooper::testing
