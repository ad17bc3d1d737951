// SPDX-License-Identifier: BSD-3-Clause
// A few cores that run a protocol, and all that is under way between them: what the explorer has many of.
//
// What can happen next is an action: somebody begins something, a line arrives, a timer runs out, a core stops or
// begins a new life. Doing it takes a world to the next. Lines of one link arrive in order; a core that stops takes
// with it what was on the way to it, not what it had sent; what is sent to it is lost. A core may also stop in the
// middle of a step: its state is that after the step, and of the lines only the first few were sent.
//
// Timers have no times here: any that is set may run out at any moment, which is more than can happen.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <cooper/protocols/protocol.hpp>
#include <cooper/vocabulary/assert.hpp>

namespace cooper::protocols {

enum class happening : std::uint8_t { begin, deliver, duplicate, expire, stop, restart };

// Everything about what happened, in 32 bits.
struct action {
  static constexpr std::uint8_t to_its_end = 0xff;

  happening what = happening::begin;
  std::uint8_t core = 0;                       // where it happens
  std::uint8_t of = 0;                         // the sender, the timer, or how many that core had begun before
  std::uint8_t sent_before_stop = to_its_end;  // the core stops in this step, after so many lines
  friend bool operator==(const action&, const action&) = default;
};
constexpr std::uint32_t packed(action a) { return std::bit_cast<std::uint32_t>(a); }
constexpr action unpacked(std::uint32_t a) { return std::bit_cast<action>(a); }
// What happens at some time if no fault comes between; a timer only if nothing else is left.
constexpr bool is_owed(const action& a) {
  return a.what == happening::begin || a.what == happening::deliver || a.what == happening::restart;
}

// How often what need not happen may.
struct faults {
  std::uint8_t stops = 0;        // of cores, in all
  std::uint8_t expirations = 0;  // of timers, in all
  std::uint8_t duplicates = 0;   // of lines, in all
  bool stops_in_steps = true;    // else between them only
};

template <protocol P>
class world {
 public:
  using message = typename P::message;
  using report = typename P::report;
  static constexpr std::size_t cores_max = 8;
  static constexpr std::size_t lines_max = 16;    // on one link
  static constexpr std::size_t reports_max = 16;  // of one core

  // What a core may begin.
  struct command {
    std::string words;
    std::function<void(P&, effects_of<P>&)> begin;
  };
  struct script {
    std::vector<P> nodes;
    std::vector<std::vector<command>> commands;  // by core, each in this order; any core at any time
    // By core: to whom it may ever send, as bits. What is promised here lets the search leave orders out.
    std::vector<std::uint8_t> sends_to = std::vector<std::uint8_t>(cores_max, 0xff);
  };

  world(const script& plan, const faults& allowed) : plan_{&plan}, cores_{plan.nodes.size()} {
    COOPER_ASSERT(cores_ != 0 && cores_ <= cores_max && plan.commands.size() == cores_, "a world has 1 to 8 cores");
    nodes_ = plan.nodes;
    small_ = {.alive = static_cast<std::uint8_t>((1u << cores_) - 1), .left = allowed};
    links_.resize(cores_ * cores_);
    reports_.resize(cores_);
  }

  std::size_t cores() const { return cores_; }
  const P& node(std::size_t core) const { return nodes_[core]; }
  std::size_t under_way(std::size_t from, std::size_t to) const { return link(from, to).count; }
  bool alive(std::size_t core) const { return (small_.alive >> core & 1) != 0; }
  std::span<const report> reports_of(std::size_t core) const { return reports_[core].all(); }
  std::size_t begun(std::size_t core) const { return small_.begun[core]; }
  // A bound of this world was met: it is too small for what happens in it.
  bool overflowed() const { return overflowed_; }

  // What can happen, into `out`; of faults, what is still allowed.
  void possible(std::vector<action>& out) const {
    out.clear();
    for (std::uint8_t c = 0; c < cores_; ++c) {
      if (!alive(c)) {
        out.push_back({.what = happening::restart, .core = c});
        continue;
      }
      if (small_.begun[c] < plan_->commands[c].size()) {
        out.push_back({.what = happening::begin, .core = c, .of = small_.begun[c]});
      }
      for (std::uint8_t from = 0; from < cores_; ++from) {
        if (link(from, c).count == 0) continue;
        out.push_back({.what = happening::deliver, .core = c, .of = from});
        if (small_.left.duplicates != 0) out.push_back({.what = happening::duplicate, .core = c, .of = from});
      }
      for (std::uint64_t set = small_.left.expirations != 0 ? small_.timers[c] : 0; set != 0; set &= set - 1) {
        out.push_back({.what = happening::expire, .core = c, .of = static_cast<std::uint8_t>(std::countr_zero(set))});
      }
      if (small_.left.stops != 0) out.push_back({.what = happening::stop, .core = c});
    }
  }
  // Whether a core may stop within this action, once it is known how many lines it sends.
  bool may_stop_within(const action& a) const {
    return small_.left.stops != 0 && small_.left.stops_in_steps && a.what != happening::stop;
  }

  // Whether nothing that happens elsewhere can change what is possible at this core before something happens at it:
  // each core that may send to it has already, and lines stay in order; and no fault is left, which are few for all
  // together.
  bool stands_alone(std::uint8_t core) const {
    const faults& left = small_.left;
    if (left.stops != 0 || left.expirations != 0 || left.duplicates != 0) return false;
    if (small_.alive != (1u << cores_) - 1) return false;
    for (std::uint8_t from = 0; from < cores_; ++from) {
      if (from != core && (plan_->sends_to[from] >> core & 1) != 0 && link(from, core).count == 0) return false;
    }
    return true;
  }

  // Does it. The number of lines that it sends, also those that are not sent because the core stops.
  std::size_t act(const action& a) {
    sink out{*this, a.core, a.sent_before_stop};
    switch (a.what) {
      case happening::begin:
        ++small_.begun[a.core];
        plan_->commands[a.core][a.of].begin(nodes_[a.core], out);
        break;
      case happening::deliver:
      case happening::duplicate: {
        message m{};
        fifo& from = link(a.of, a.core);
        std::memcpy(&m, from.lines.data(), sizeof m);
        if (a.what == happening::duplicate) {
          --small_.left.duplicates;
        } else {
          from.take();
        }
        nodes_[a.core].receive(core_number(a.of), m, out);
        break;
      }
      case happening::expire:
        --small_.left.expirations;
        expire(a.core, a.of, out);
        break;
      case happening::stop:
        stop(a.core);
        break;
      case happening::restart:
        small_.alive |= static_cast<std::uint8_t>(1u << a.core);
        nodes_[a.core].restarted(out);
        break;
    }
    if (a.sent_before_stop != action::to_its_end) stop(a.core);
    return out.sent();
  }

  // Without further faults: all cores live, all is begun, lines arrive, and where nothing else is left to happen the
  // timers that are set run out, in turn. False: it has not come to rest after so many actions. `told` hears of each,
  // before it.
  template <class F>
  bool settle(std::size_t actions_max, F told) {
    std::vector<action> next;
    std::size_t ran_out = 0;
    for (std::size_t done = 0; done < actions_max; ++done) {
      small_.left = {.expirations = 1};
      possible(next);
      if (next.empty()) return true;
      const auto owed = std::find_if(next.begin(), next.end(), is_owed);
      const action a = owed != next.end() ? *owed : next[ran_out++ % next.size()];
      told(a);
      act(a);
    }
    return false;
  }

  // As bytes, equal if and only if the worlds are; what a visited state is known by.
  void write(std::vector<std::byte>& out) const {
    std::size_t size = sizeof small_ + sizeof(P) * cores_ + links_.size() + reports_.size();
    for (const fifo& l : links_) size += sizeof(message) * l.count;
    for (const log& r : reports_) size += sizeof(report) * r.count;
    out.resize(size);
    std::byte* at = out.data();
    const auto put = [&](const void* from, std::size_t bytes) {
      std::memcpy(at, from, bytes);
      at += bytes;
    };
    put(&small_, sizeof small_);
    put(static_cast<const void*>(nodes_.data()), sizeof(P) * cores_);
    for (const fifo& l : links_) {
      *at++ = static_cast<std::byte>(l.count);
      put(l.lines.data(), sizeof(message) * l.count);
    }
    for (const log& r : reports_) {
      *at++ = static_cast<std::byte>(r.count);
      put(r.entries.data(), sizeof(report) * r.count);
    }
  }
  void read(std::span<const std::byte> in) {
    const std::byte* at = in.data();
    const auto get = [&](void* to, std::size_t size) {
      std::memcpy(to, at, size);
      at += size;
    };
    get(&small_, sizeof small_);
    get(static_cast<void*>(nodes_.data()), sizeof(P) * cores_);
    for (fifo& l : links_) {
      get(&l.count, 1);
      get(l.lines.data(), sizeof(message) * l.count);
    }
    for (log& r : reports_) {
      get(&r.count, 1);
      get(r.entries.data(), sizeof(report) * r.count);
    }
    overflowed_ = false;
  }

  // Whether these bytes are laid out as write() does it; what they say is not looked at.
  bool can_read(std::span<const std::byte> in) const {
    std::size_t at = sizeof small_ + sizeof(P) * cores_;
    const auto skip = [&](std::size_t lists, std::size_t most, std::size_t size) {
      for (std::size_t i = 0; i < lists; ++i) {
        if (at >= in.size() || std::to_integer<std::size_t>(in[at]) > most) return false;
        at += 1 + std::to_integer<std::size_t>(in[at]) * size;
      }
      return true;
    };
    return skip(links_.size(), lines_max, sizeof(message)) && skip(reports_.size(), reports_max, sizeof(report)) &&
           at == in.size();
  }

  // What happens in an action, in words; before it is done.
  std::string words_of(const action& a) const {
    const std::string here = "core " + std::to_string(a.core);
    const std::string cut = a.sent_before_stop == action::to_its_end
                                ? ""
                                : ", and stops after " + std::to_string(a.sent_before_stop) + " lines of its answer";
    switch (a.what) {
      case happening::begin:
        return here + " begins: " + plan_->commands[a.core][a.of].words + cut;
      case happening::deliver:
      case happening::duplicate: {
        message m{};
        std::memcpy(&m, link(a.of, a.core).lines.data(), sizeof m);
        return here + " <- core " + std::to_string(a.of) + ": " + P::words_of(m) +
               (a.what == happening::duplicate ? " (a copy)" : "") + cut;
      }
      case happening::expire:
        return here + ": timer " + std::to_string(a.of) + " runs out" + cut;
      case happening::stop:
        return here + " stops";
      case happening::restart:
        return here + " begins a new life" + cut;
    }
    return "?";
  }

 private:
  struct fifo {
    std::uint8_t count = 0;
    std::array<message, lines_max> lines{};
    void take() { std::copy(lines.begin() + 1, lines.begin() + count--, lines.begin()); }
  };
  struct log {
    std::uint8_t count = 0;
    std::array<report, reports_max> entries{};
    std::span<const report> all() const { return {entries.data(), count}; }
  };
  struct small_things {
    std::array<std::uint64_t, cores_max> timers{};  // that are set, as bits
    std::array<std::uint8_t, cores_max> begun{};
    std::uint8_t alive = 0;
    faults left;
    std::array<std::uint8_t, 3> unused{};
  };
  static_assert(plain_bytes<small_things>);

  class sink final : public effects_of<P> {
   public:
    sink(world& w, std::size_t core, std::uint8_t sent_before_stop)
        : world_{w}, core_{core}, sent_before_stop_{sent_before_stop} {}
    void send(core_id to, const message& m) override {
      if (sent_++ >= sent_before_stop_ || to.value >= world_.cores_ || !world_.alive(to.value)) return;
      fifo& link = world_.link(core_, to.value);
      if (link.count == lines_max) {
        world_.overflowed_ = true;
      } else {
        link.lines[link.count++] = m;
      }
    }
    void publish(const message& m) override {
      for (std::size_t to = 0; to < world_.cores_; ++to) {
        if (to != core_) send(core_number(to), m);
      }
    }
    void set_timer(std::uint8_t timer, tick) override { world_.small_.timers[core_] |= std::uint64_t{1} << timer; }
    void cancel_timer(std::uint8_t timer) override { world_.small_.timers[core_] &= ~(std::uint64_t{1} << timer); }
    void report(const typename P::report& what) override {
      log& all = world_.reports_[core_];
      if (all.count == reports_max) {
        world_.overflowed_ = true;
      } else {
        all.entries[all.count++] = what;
      }
    }
    std::size_t sent() const { return sent_; }

   private:
    world& world_;
    std::size_t core_;
    std::size_t sent_ = 0;
    std::size_t sent_before_stop_;
  };

  void expire(std::uint8_t core, std::uint8_t timer, sink& out) {
    small_.timers[core] &= ~(std::uint64_t{1} << timer);
    nodes_[core].expired(timer, out);
  }
  void stop(std::uint8_t core) {
    small_.alive &= static_cast<std::uint8_t>(~(1u << core));
    if (small_.left.stops != 0) --small_.left.stops;
    small_.timers[core] = 0;
    for (std::size_t from = 0; from < cores_; ++from) link(from, core).count = 0;
  }
  fifo& link(std::size_t from, std::size_t to) { return links_[from * cores_ + to]; }
  const fifo& link(std::size_t from, std::size_t to) const { return links_[from * cores_ + to]; }

  const script* plan_;
  std::size_t cores_;
  small_things small_;
  std::vector<P> nodes_;
  std::vector<fifo> links_;
  std::vector<log> reports_;
  bool overflowed_ = false;
};

}  // namespace cooper::protocols
