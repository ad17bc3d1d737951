// SPDX-License-Identifier: BSD-3-Clause
// Depth-first search over the steps of executions, re-run from the start along a remembered prefix.
//
// Sleep sets (Godefroid 1996): a step that was explored at a node, and is independent of the step that is taken
// instead, need not be taken until something dependent happens, as the result would be an execution already seen.
#include "explorer.hpp"

#include <algorithm>
#include <charconv>

#include <cooper/vocabulary/assert.hpp>
#include <cooper/vocabulary/random.hpp>

#include "execution.hpp"

namespace cooper::model {
namespace {

// A choice is a digit up to 35, and (n) above; nodes with a single step have none.
std::string encode(const std::vector<std::size_t>& choices) {
  std::string text;
  for (const std::size_t c : choices) {
    if (c < 36) {
      text += "0123456789abcdefghijklmnopqrstuvwxyz"[c];
    } else {
      text += "(" + std::to_string(c) + ")";
    }
  }
  return text;
}

// Nothing if the text was not written by encode().
std::optional<std::vector<std::size_t>> decode(const std::string& text) {
  std::vector<std::size_t> choices;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= '0' && c <= '9') {
      choices.push_back(static_cast<std::size_t>(c - '0'));
    } else if (c >= 'a' && c <= 'z') {
      choices.push_back(static_cast<std::size_t>(c - 'a') + 10);
    } else {
      const std::size_t close = text.find(')', i);
      if (c != '(' || close == std::string::npos) return std::nullopt;
      std::size_t value = 0;
      const auto [end, failed] = std::from_chars(text.data() + i + 1, text.data() + close, value);
      if (failed != std::errc{} || end != text.data() + close) return std::nullopt;
      choices.push_back(value);
      i = close;
    }
  }
  return choices;
}

class explorer {
 public:
  explorer(const options& how, const setup_function& setup) : how_{how}, setup_{setup}, execution_{how_} {}

  report run();

 private:
  struct node {
    std::size_t begin;  // its steps in steps_ and asleep_
    std::size_t end;
    std::size_t current;  // which of them is taken
    std::size_t preemptions;
  };
  enum class outcome { ended, pruned, truncated };

  outcome run_once(bool record);
  // The next step of the running execution; nothing if all lead to executions explored elsewhere.
  std::optional<transition> next_step(std::size_t depth);
  bool push_node(std::size_t depth);
  std::size_t preemptions_after(const node& n, std::size_t taken) const;
  void put_to_sleep(const node& n);
  bool next_prefix();
  bool reduces() const { return how_.reduction && !how_.preemptions_max && !random_ && !script_; }
  void forget_prefix();
  std::vector<std::size_t> choices_taken() const;
  void record_violation(report& r);

  options how_;
  const setup_function& setup_;
  execution execution_;
  std::vector<node> nodes_;
  std::vector<transition> steps_;
  std::vector<char> asleep_;
  std::vector<transition> sleeping_;  // asleep at the node to come
  std::vector<transition> scratch_;
  std::optional<random> random_;
  std::optional<std::vector<std::size_t>> script_;
  std::size_t script_at_ = 0;
  std::size_t depth_ = 0;
};

report explorer::run() {
  report r;
  COOPER_ASSERT(how_.delayed_stores < delayed_stores_max, "at most 8 stores of a thread are delayed at a time");
  if (how_.replay) {
    script_ = decode(*how_.replay);
    if (!script_) {
      r.violation = violation{violation_kind::misuse, "no choices of a report: " + *how_.replay, {}, {}};
      return r;
    }
  }
  if (how_.random_seed) random_.emplace(*how_.random_seed);
  r.seed = how_.random_seed;
  const auto host_deadline = std::chrono::steady_clock::now() + how_.host_time_max;
  bool more = true;
  bool limited = false;
  while (more && !limited) {
    if (random_) forget_prefix();
    const outcome o = run_once(false);
    r.operations += depth_;
    if (execution_.must_restart()) {
      r = report{};
      r.seed = how_.random_seed;
      if (how_.random_seed) random_.emplace(*how_.random_seed);
      forget_prefix();
      continue;
    }
    r.depth_max = std::max(r.depth_max, depth_);
    ++(o == outcome::ended ? r.executions : o == outcome::pruned ? r.pruned : r.truncated);
    if (execution_.violated()) {
      record_violation(r);
      return r;
    }
    more = !script_ && (random_ || next_prefix());
    const std::uint64_t runs = r.executions + r.pruned + r.truncated;
    limited = runs >= how_.executions_max || (runs % 64 == 0 && std::chrono::steady_clock::now() >= host_deadline);
  }
  r.complete = !more && r.truncated == 0 && !how_.preemptions_max && !script_;
  return r;
}

explorer::outcome explorer::run_once(bool record) {
  execution_.begin(setup_, record);
  sleeping_.clear();
  depth_ = 0;
  script_at_ = 0;
  outcome o = outcome::ended;
  while (!execution_.violated()) {
    if (execution_.finished()) {
      execution_.run_final_checks();
      break;
    }
    if (depth_ == how_.steps_max) {
      o = outcome::truncated;
      break;
    }
    const std::optional<transition> step = next_step(depth_);
    if (!step) {
      o = outcome::pruned;
      break;
    }
    execution_.perform(*step);
    ++depth_;
  }
  execution_.end();
  return o;
}

std::optional<transition> explorer::next_step(std::size_t depth) {
  const bool new_here = depth == nodes_.size();
  if (new_here && !push_node(depth)) return std::nullopt;
  const node& n = nodes_[depth];
  // What sleeps matters from the last node on; before it, the prefix only repeats.
  if (depth + 1 == nodes_.size() && reduces()) put_to_sleep(n);
  return steps_[n.begin + n.current];
}

bool explorer::push_node(std::size_t depth) {
  const std::size_t last = depth == 0 ? 0 : steps_[nodes_[depth - 1].begin + nodes_[depth - 1].current].thread;
  execution_.candidates(last, scratch_);
  node n{steps_.size(), 0, 0, 0};
  if (depth > 0) n.preemptions = preemptions_after(nodes_[depth - 1], nodes_[depth - 1].current);
  steps_.insert(steps_.end(), scratch_.begin(), scratch_.end());
  n.end = steps_.size();
  for (std::size_t i = n.begin; i < n.end; ++i) {
    asleep_.push_back(std::find(sleeping_.begin(), sleeping_.end(), steps_[i]) != sleeping_.end());
  }
  const std::size_t count = n.end - n.begin;
  if (random_) {
    n.current = random_->below(count);
  } else if (script_) {
    n.current = count == 1 || script_at_ == script_->size() ? 0 : (*script_)[script_at_++] % count;
  } else {
    while (n.current < count && asleep_[n.begin + n.current] != 0) ++n.current;
    if (n.current == count) {
      steps_.resize(n.begin);
      asleep_.resize(n.begin);
      return false;
    }
  }
  nodes_.push_back(n);
  return true;
}

// How many switches away from a thread that could go on there were, once step `taken` of n is taken.
std::size_t explorer::preemptions_after(const node& n, std::size_t taken) const {
  const transition& step = steps_[n.begin + taken];
  const auto index = static_cast<std::size_t>(&n - nodes_.data());
  if (index == 0 || step.what == action::commit || step.what == action::quiesce) return n.preemptions;
  const std::uint8_t last = steps_[nodes_[index - 1].begin + nodes_[index - 1].current].thread;
  if (last == step.thread) return n.preemptions;
  for (std::size_t i = n.begin; i < n.end; ++i) {
    if (steps_[i].thread == last && steps_[i].what != action::commit && last != 0) return n.preemptions + 1;
  }
  return n.preemptions;
}

void explorer::put_to_sleep(const node& n) {
  sleeping_.clear();
  const transition& taken = steps_[n.begin + n.current];
  for (std::size_t i = n.begin; i < n.end; ++i) {
    const bool done_with = asleep_[i] != 0 || i < n.begin + n.current;
    if (done_with && execution_.independent(steps_[i], taken)) sleeping_.push_back(steps_[i]);
  }
}

// Takes the next alternative of the deepest node that has one.
bool explorer::next_prefix() {
  while (!nodes_.empty()) {
    node& n = nodes_.back();
    steps_.resize(n.end);
    asleep_.resize(n.end);
    for (std::size_t next = n.current + 1; next < n.end - n.begin; ++next) {
      if (asleep_[n.begin + next] != 0) continue;
      if (how_.preemptions_max && preemptions_after(n, next) > *how_.preemptions_max) continue;
      n.current = next;
      return true;
    }
    nodes_.pop_back();
  }
  return false;
}

void explorer::forget_prefix() {
  nodes_.clear();
  steps_.clear();
  asleep_.clear();
}

std::vector<std::size_t> explorer::choices_taken() const {
  std::vector<std::size_t> choices;
  for (const node& n : nodes_) {
    if (n.end - n.begin > 1) choices.push_back(n.current);
  }
  return choices;
}

// Runs the violating execution again, this time writing down each step.
void explorer::record_violation(report& r) {
  violation v{execution_.kind(), execution_.message(), {}, encode(choices_taken())};
  script_ = choices_taken();
  random_.reset();
  forget_prefix();
  run_once(true);
  if (execution_.violated() && execution_.kind() == v.kind) {
    v.transcript = execution_.transcript();
    v.message = execution_.message();
  } else {
    v.message += " (and repeating the same choices did not: the setup or the threads depend on more than them)";
  }
  r.violation = std::move(v);
}

}  // namespace

std::string_view name_of(violation_kind kind) noexcept {
  switch (kind) {
    case violation_kind::check_failed:
      return "a check failed";
    case violation_kind::data_race:
      return "data race";
    case violation_kind::deadlock:
      return "deadlock";
    case violation_kind::exception:
      return "exception";
    case violation_kind::misuse:
      return "misuse of the model";
  }
  return "unknown";
}

std::string report::summary() const {
  std::string text = std::to_string(executions) + " executions, " + std::to_string(pruned) + " pruned, " +
                     std::to_string(truncated) + " truncated, " + std::to_string(operations) + " steps, depth " +
                     std::to_string(depth_max) + (complete ? ", complete" : ", incomplete");
  if (seed) text += ", random from seed " + std::to_string(*seed);
  if (!violation) return text;
  text += "\n";
  text += name_of(violation->kind);
  text += ": " + violation->message + "\n" + violation->transcript;
  return text + "to repeat it alone: options.replay = \"" + violation->choices + "\"\n";
}

report explore(const options& how, const setup_function& setup) { return explorer{how, setup}.run(); }

}  // namespace cooper::model
