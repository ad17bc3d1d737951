// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/runtime/faults.hpp>

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include <cooper/vocabulary/random.hpp>

namespace cooper {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, fault_kind_count> kind_names{"stop", "pause", "slow", "delay", "fill", "late"};

// No run of virtual time is longer, and sums of two stay far from the end of the numbers.
constexpr duration time_max = 24h * 365;
constexpr std::uint32_t factor_max = 1000;
constexpr std::size_t drawn_max = 10'000;

// In the largest unit that needs at most three digits behind its point.
std::string shown(duration d) {
  struct unit {
    std::int64_t ns;
    std::string_view name;
  };
  for (const auto& [ns, name] : {unit{1'000'000'000, "s"}, unit{1'000'000, "ms"}, unit{1'000, "us"}}) {
    if (d.count() < ns || d.count() % (ns / 1000) != 0) continue;
    std::string digits = fmt::format("{:03}", d.count() % ns / (ns / 1000));
    while (!digits.empty() && digits.back() == '0') digits.pop_back();
    return fmt::format("{}{}{} {}", d.count() / ns, digits.empty() ? "" : ".", digits, name);
  }
  return fmt::format("{} ns", d.count());
}

bool is_of_link(fault_kind kind) { return kind == fault_kind::delay || kind == fault_kind::fill; }
bool has_by(fault_kind kind) { return kind == fault_kind::delay || kind == fault_kind::late; }
bool is_kind(fault_kind kind) { return static_cast<std::size_t>(kind) < fault_kind_count; }

duration end_of(const fault& f) { return f.kind == fault_kind::stop ? duration::max() : f.begin + f.length; }

// Of one kind, of the same core or link, and partly at the same time: what that means nobody could say.
bool overlap(const fault& a, const fault& b) {
  return a.kind == b.kind && a.core == b.core && (!is_of_link(a.kind) || a.to == b.to) && a.begin < end_of(b) &&
         b.begin < end_of(a);
}

std::optional<std::string> wrong_time(std::string_view what, duration d, duration least) {
  if (d < least) return fmt::format("{} is {}", what, d < duration::zero() ? "negative" : "0");
  if (d > time_max) return fmt::format("{} is over a year", what);
  return std::nullopt;
}

std::optional<std::string> wrong_in(const fault& f, std::size_t cores) {
  const auto missing = [&](core_id core) {
    return fmt::format("core {} is not there; the machine has {}", core.value, cores);
  };
  if (!is_kind(f.kind)) return "there is no such kind of fault";
  if (f.core.value >= cores) return missing(f.core);
  if (is_of_link(f.kind) && f.to.value >= cores) return missing(f.to);
  if (is_of_link(f.kind) && f.to == f.core) {
    return fmt::format("a link goes from one core to another, and both are core {}", f.core.value);
  }
  if (auto wrong = wrong_time("its begin", f.begin, 0ns)) return wrong;
  if (f.kind != fault_kind::stop) {
    if (auto wrong = wrong_time("its length", f.length, 1ns)) return wrong;
  }
  if (has_by(f.kind)) {
    if (auto wrong = wrong_time("what it adds", f.by, 1ns)) return wrong;
  }
  if (f.kind == fault_kind::slow && (f.factor < 2 || f.factor > factor_max)) {
    return fmt::format("its factor is {}, and may be 2 to {}", f.factor, factor_max);
  }
  return std::nullopt;
}

std::optional<std::string> wrong_in(const swarm& plan, std::size_t cores) {
  constexpr std::uint32_t all_kinds = (1u << fault_kind_count) - 1;
  if (cores == 0 || cores > core_count_max) return fmt::format("there are {} cores", cores);
  if (plan.faults > drawn_max) return fmt::format("{} faults are over the limit of {}", plan.faults, drawn_max);
  if (plan.faults > 0) {
    if (auto wrong = wrong_time("'within'", plan.within, 1ns)) return wrong;
  }
  if (auto wrong = wrong_time("'length_max'", plan.length_max, 0ns)) return wrong;
  if (auto wrong = wrong_time("'by_max'", plan.by_max, 0ns)) return wrong;
  if (plan.factor_max < 2 || plan.factor_max > factor_max) {
    return fmt::format("'factor_max' is {}, and may be 2 to {}", plan.factor_max, factor_max);
  }
  if ((plan.kinds & ~all_kinds) != 0) return "'kinds' has bits of no kind";
  return std::nullopt;
}

// Those that the plan allows and the machine can have: one core has no links.
std::vector<fault_kind> kinds_of(const swarm& plan, std::size_t cores) {
  std::vector<fault_kind> kinds;
  for (std::size_t i = 0; i < fault_kind_count; ++i) {
    const auto kind = static_cast<fault_kind>(i);
    if ((plan.kinds >> i & 1u) != 0 && (cores > 1 || !is_of_link(kind))) kinds.push_back(kind);
  }
  return kinds;
}

class drawer {
 public:
  drawer(const swarm& plan, std::size_t cores, std::uint64_t seed)
      : plan_{plan}, cores_{cores}, kinds_{kinds_of(plan, cores)}, draw_{seed} {
    const duration tenth = std::max(plan.within / 10, duration{1});
    if (plan_.length_max == 0ns) plan_.length_max = tenth;
    if (plan_.by_max == 0ns) plan_.by_max = tenth;
  }

  bool has_kinds() const { return !kinds_.empty(); }

  fault one() {
    fault f;
    f.kind = kinds_[draw_.below(kinds_.size())];
    f.core = core_number(draw_.below(cores_));
    f.begin = below(plan_.within);
    if (f.kind != fault_kind::stop) f.length = duration{1} + below(plan_.length_max);
    if (is_of_link(f.kind)) f.to = core_number((f.core.value + 1 + draw_.below(cores_ - 1)) % cores_);
    if (has_by(f.kind)) f.by = duration{1} + below(plan_.by_max);
    if (f.kind == fault_kind::slow) f.factor = 2 + static_cast<std::uint32_t>(draw_.below(plan_.factor_max - 1));
    return f;
  }

 private:
  duration below(duration d) {
    return duration{static_cast<std::int64_t>(draw_.below(static_cast<std::uint64_t>(d.count())))};
  }

  swarm plan_;
  std::size_t cores_;
  std::vector<fault_kind> kinds_;
  random draw_;
};

}  // namespace

std::string_view name_of(fault_kind kind) noexcept { return kind_names[static_cast<std::size_t>(kind)]; }

std::string words_of(const fault& f) {
  const auto core = f.core.value, to = f.to.value;
  const std::string when = fmt::format("from {} for {}", shown(f.begin), shown(f.length));
  switch (f.kind) {
    case fault_kind::stop:
      return fmt::format("core {} stops at {}", core, shown(f.begin));
    case fault_kind::pause:
      return fmt::format("core {} pauses {}", core, when);
    case fault_kind::slow:
      return fmt::format("core {} is {} times as slow {}", core, f.factor, when);
    case fault_kind::delay:
      return fmt::format("lines from core {} to core {} take {} longer {}", core, to, shown(f.by), when);
    case fault_kind::fill:
      return fmt::format("the link from core {} to core {} takes no credit back {}", core, to, when);
    case fault_kind::late:
      return fmt::format("timers of core {} ring {} late {}", core, shown(f.by), when);
  }
  return "no fault";
}

result<std::vector<fault>> draw_faults(const swarm& plan, std::size_t cores, std::uint64_t seed) {
  if (auto wrong = wrong_in(plan, cores)) return error{errc::bad_option, "a swarm of faults: " + *wrong};
  std::vector<fault> drawn;
  drawer draw{plan, cores, seed};
  if (plan.faults > 0 && !draw.has_kinds()) {
    return error{errc::bad_option, "a swarm of faults: no kind is left; name some, and links only with two cores"};
  }
  for (std::size_t refused = 0; drawn.size() < plan.faults;) {
    const fault next = draw.one();
    if (std::none_of(drawn.begin(), drawn.end(), [&](const fault& f) { return overlap(f, next); })) {
      drawn.push_back(next);
      refused = 0;
    } else if (++refused == 1000) {
      return error{errc::bad_option,
                   fmt::format("a swarm of faults: {} that do not overlap were found, and {} are asked for; ask for "
                               "fewer, shorter ones, or a longer time",
                               drawn.size(), plan.faults)};
    }
  }
  std::stable_sort(drawn.begin(), drawn.end(), [](const fault& a, const fault& b) { return a.begin < b.begin; });
  return drawn;
}

result<void> check(const std::vector<fault>& faults, std::size_t cores) {
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (const auto wrong = wrong_in(faults[i], cores)) {
      return error{errc::bad_option, fmt::format("fault {}: {}", i + 1, *wrong)};
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (!overlap(faults[i], faults[j])) continue;
      return error{errc::bad_option,
                   fmt::format("fault {}: it is at the same time as fault {}, '{}', of the same kind and place", i + 1,
                               j + 1, words_of(faults[j]))};
    }
  }
  return {};
}

}  // namespace cooper
