// SPDX-License-Identifier: BSD-3-Clause
#include "tree_oracle.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace cooper::test {
namespace {

// Sums of 16 of them are far from overflowing.
constexpr std::int64_t cost_max_ns = 1'000'000'000;

void check(const broadcast_costs& costs, std::size_t root) {
  const std::size_t cores = costs.cores();
  if (cores == 0 || cores > oracle_cores_max || root >= cores) {
    throw std::invalid_argument{"the oracle wants 1 to 16 cores and a root among them"};
  }
  for (const auto* matrix : {&costs.send, &costs.rest}) {
    if (matrix->size() != cores) throw std::invalid_argument{"a cost matrix is not square"};
    for (std::size_t i = 0; i < cores; ++i) {
      if ((*matrix)[i].size() != cores) throw std::invalid_argument{"a cost matrix is not square"};
      for (std::size_t j = 0; j < cores; ++j) {
        const std::int64_t ns = (*matrix)[i][j];
        if (i != j && (ns < 0 || ns > cost_max_ns)) throw std::invalid_argument{"a cost is out of range"};
      }
    }
  }
}

// The table over subsets. What a core has to reach is a set of cores; the root is in none, so it has no bit.
class subset_table {
 public:
  subset_table(const broadcast_costs& costs, std::size_t root) : costs_{costs} {
    for (std::size_t core = 0; core < costs.cores(); ++core) {
      if (core != root) core_of_bit_.push_back(core);
    }
    sets_ = std::size_t{1} << core_of_bit_.size();
    // The root stands last, after the cores that have a bit.
    core_of_bit_.push_back(root);
    least_.assign(core_of_bit_.size() * sets_, 0);
    first_.assign(core_of_bit_.size() * sets_ + 1, span{0, 0});
  }

  std::int64_t solve() {
    // A subset has a smaller number than its set: all that a set needs is there.
    for (std::size_t set = 1; set < sets_; ++set) {
      for (std::size_t sender = 0; sender < core_of_bit_.size(); ++sender) {
        if (sender + 1 < core_of_bit_.size() && (set >> sender & 1) != 0) continue;
        offer(sender, set);
        least_[sender * sets_ + set] = best(sender, set);
      }
    }
    return least_[(core_of_bit_.size() - 1) * sets_ + sets_ - 1];
  }

 private:
  // One message by which all of a set is reached, because its receiver passes it on.
  struct message {
    std::int64_t sent;
    std::int64_t done;
  };
  struct span {
    std::uint32_t begin;
    std::uint32_t end;
  };

  // The messages to one member of the set, without those that another is never later than.
  void offer(std::size_t sender, std::size_t set) {
    std::array<message, oracle_cores_max> all{};
    std::size_t count = 0;
    for (std::size_t bit = 0; bit + 1 < core_of_bit_.size(); ++bit) {
      if ((set >> bit & 1) == 0) continue;
      const std::int64_t sent = costs_.send[core_of_bit_[sender]][core_of_bit_[bit]];
      const std::int64_t rest = costs_.rest[core_of_bit_[sender]][core_of_bit_[bit]];
      all[count++] = {sent, sent + rest + least_[bit * sets_ + (set ^ std::size_t{1} << bit)]};
    }
    std::sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count),
              [](const message& a, const message& b) { return a.sent != b.sent ? a.sent < b.sent : a.done < b.done; });
    const auto begin = static_cast<std::uint32_t>(messages_.size());
    std::int64_t done = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < count; ++i) {
      if (all[i].done >= done) continue;
      done = all[i].done;
      messages_.push_back(all[i]);
    }
    first_[sender * sets_ + set] = {begin, static_cast<std::uint32_t>(messages_.size())};
  }

  std::int64_t best(std::size_t sender, std::size_t set) const {
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (std::size_t part = set; part != 0; part = (part - 1) & set) {
      const std::int64_t others = least_[sender * sets_ + (set ^ part)];
      const auto [begin, end] = first_[sender * sets_ + part];
      for (std::uint32_t i = begin; i < end; ++i) {
        least = std::min(least, std::max(messages_[i].done, messages_[i].sent + others));
      }
    }
    return least;
  }

  const broadcast_costs& costs_;
  std::vector<std::size_t> core_of_bit_;
  std::size_t sets_ = 0;
  std::vector<std::int64_t> least_;
  std::vector<span> first_;
  std::vector<message> messages_;
};

// The table over counts. What a core has to reach is a number whose digits count the cores of each package; seen from a
// core, package 0 is its own and the first board is its own. States that differ only in the order of like packages or
// boards are one.
class count_table {
 public:
  explicit count_table(const synthetic_machine& machine)
      : machine_{machine},
        packages_{machine.packages},
        radix_{machine.cores_per_package + 1},
        board_{machine.layout == package_layout::boards ? packages_ / 2 : packages_} {
    if (machine.layout == package_layout::ring && packages_ > 3) {
      throw std::invalid_argument{"packages of a ring are not interchangeable"};
    }
    if (board_ == 0 || packages_ % board_ != 0) throw std::invalid_argument{"boards of equal size are wanted"};
    std::size_t weight = 1;
    for (std::size_t p = 0; p < packages_; ++p) {
      weights_.push_back(weight);
      weight *= radix_;
      if (weight > raw_max) throw std::invalid_argument{"too many packages for the table over counts"};
    }
    number_states(weight);
  }

  std::int64_t solve() {
    std::vector<std::size_t> by_sum(states_.size());
    std::iota(by_sum.begin(), by_sum.end(), 0);
    const auto sum = [&](std::size_t s) {
      return std::accumulate(states_[s].begin(), states_[s].end(), std::size_t{0});
    };
    std::stable_sort(by_sum.begin(), by_sum.end(), [&](std::size_t a, std::size_t b) { return sum(a) < sum(b); });
    least_.assign(states_.size(), 0);
    for (const std::size_t s : by_sum) {
      if (sum(s) != 0) least_[s] = best(states_[s]);
    }
    counts all(packages_, machine_.cores_per_package);
    --all[0];
    return least_[state_of_[0][raw(all)]];
  }

 private:
  using counts = std::vector<std::size_t>;
  static constexpr std::size_t raw_max = 1'000'000;

  std::size_t raw(const counts& c) const {
    return std::inner_product(c.begin(), c.end(), weights_.begin(), std::size_t{0});
  }

  // As a core of `own` sees it, in the order that all like states share.
  counts canonical(counts c, std::size_t own) const {
    const std::size_t home = own / board_ * board_;
    std::rotate(c.begin(), c.begin() + static_cast<std::ptrdiff_t>(home),
                c.begin() + static_cast<std::ptrdiff_t>(home + board_));
    std::swap(c[0], c[own - home]);
    std::vector<counts> others;
    for (std::size_t first = 0; first < packages_; first += board_) {
      const auto begin = c.begin() + static_cast<std::ptrdiff_t>(first);
      std::sort(begin + (first == 0 ? 1 : 0), begin + static_cast<std::ptrdiff_t>(board_), std::greater<>{});
      if (first != 0) others.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(board_));
    }
    std::sort(others.begin(), others.end(), std::greater<>{});
    auto out = c.begin() + static_cast<std::ptrdiff_t>(board_);
    for (const counts& board : others) out = std::copy(board.begin(), board.end(), out);
    return c;
  }

  void number_states(std::size_t raws) {
    std::vector<std::uint32_t> number(raws, std::numeric_limits<std::uint32_t>::max());
    state_of_.assign(packages_, std::vector<std::uint32_t>(raws));
    for (std::size_t r = 0; r < raws; ++r) {
      counts c(packages_);
      for (std::size_t p = 0; p < packages_; ++p) c[p] = r / weights_[p] % radix_;
      for (std::size_t own = 0; own < packages_; ++own) {
        counts state = canonical(c, own);
        std::uint32_t& n = number[raw(state)];
        if (n == std::numeric_limits<std::uint32_t>::max()) {
          n = static_cast<std::uint32_t>(states_.size());
          states_.push_back(std::move(state));
        }
        state_of_[own][r] = n;
      }
    }
  }

  // The best first message: to a core of any package, which is then given a part of what is left.
  std::int64_t best(const counts& state) const {
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (std::size_t to = 0; to < packages_; ++to) {
      const bool like_the_last = to > 1 && to % board_ != 0 && state[to] == state[to - 1];
      if (state[to] == 0 || like_the_last) continue;
      counts left = state;
      --left[to];
      const link_kind& link = to == 0 ? machine_.inside : to < board_ ? machine_.near : machine_.far;
      split(left, to, link, raw(left), least);
    }
    return least;
  }

  // All parts of `left`; of parts that differ only in the order of like packages, one.
  void split(const counts& left, std::size_t to, const link_kind& link, std::size_t all, std::int64_t& least) const {
    const std::vector<std::uint32_t>& receiver = state_of_[to];
    const std::vector<std::uint32_t>& sender = state_of_[0];
    counts part(packages_, 0);
    std::size_t number = 0;
    const auto most = [&](std::size_t p) {
      const bool alike = p > 1 && p % board_ != 0 && p != to && p - 1 != to && left[p] == left[p - 1];
      return alike ? part[p - 1] : left[p];
    };
    for (;;) {
      const std::int64_t there = link.rest_ns() + least_[receiver[number]];
      const std::int64_t here = least_[sender[all - number]];
      least = std::min(least, link.send_ns + std::max(there, here));
      // A receiver that is late with this part is late with every larger one.
      bool late = link.send_ns + there >= least;
      std::size_t p = packages_;
      while (p-- > 0) {
        if (!late && part[p] < most(p)) break;
        if (part[p] != 0) late = false;
        number -= part[p] * weights_[p];
        part[p] = 0;
      }
      if (p >= packages_) return;
      ++part[p];
      number += weights_[p];
    }
  }

  const synthetic_machine& machine_;
  std::size_t packages_;
  std::size_t radix_;
  std::size_t board_;
  std::vector<std::size_t> weights_;
  std::vector<counts> states_;
  // For each package as one's own: the state of each number.
  std::vector<std::vector<std::uint32_t>> state_of_;
  std::vector<std::int64_t> least_;
};

using enum package_layout;

// Latencies are those of the multikernel paper's table (Baumann et al., SOSP'09), in cycles taken as nanoseconds.
constexpr synthetic_machine machines[] = {
    {"2x4 gap", 2, 4, alike, {84, 180}, {265, 570}, {265, 570}},
    {"2x4 small", 2, 4, alike, {40, 180}, {60, 570}, {60, 570}},
    {"2x2 gap", 2, 2, alike, {292, 450}, {313, 532}, {313, 532}},
    {"2x2 small", 2, 2, alike, {60, 450}, {80, 532}, {80, 532}},
    {"4x4 gap", 4, 4, ring, {280, 448}, {283, 545}, {285, 558}},
    {"4x4 small", 4, 4, ring, {40, 448}, {60, 545}, {80, 558}},
    {"8x4 gap", 8, 4, boards, {361, 538}, {362, 613}, {364, 618}},
    {"8x4 small", 8, 4, boards, {40, 538}, {60, 613}, {80, 618}},
    {"8x4 boards", 8, 4, boards, {60, 200}, {120, 600}, {200, 1200}},
    {"8x4 strong", 8, 4, alike, {60, 280}, {180, 900}, {180, 900}},
};

}  // namespace

std::int64_t least_broadcast_ns(const broadcast_costs& costs, std::size_t root) {
  check(costs, root);
  if (costs.cores() == 1) return 0;
  return subset_table{costs, root}.solve();
}

std::int64_t least_broadcast_ns(const synthetic_machine& machine) { return count_table{machine}.solve(); }

bool synthetic_machine::are_near(std::size_t package, std::size_t other) const {
  switch (layout) {
    case alike:
      return true;
    case ring: {
      const std::size_t steps = package > other ? package - other : other - package;
      return steps <= 1 || steps + 1 == packages;
    }
    case boards:
      return package / (packages / 2) == other / (packages / 2);
  }
  return false;
}

const link_kind& synthetic_machine::link(std::size_t from, std::size_t to) const {
  const std::size_t a = package_of(from), b = package_of(to);
  return a == b ? inside : are_near(a, b) ? near : far;
}

broadcast_costs costs_of(const synthetic_machine& machine) {
  const std::vector<std::int64_t> row(machine.cores(), 0);
  broadcast_costs costs{{machine.cores(), row}, {machine.cores(), row}};
  for (std::size_t from = 0; from < machine.cores(); ++from) {
    for (std::size_t to = 0; to < machine.cores(); ++to) {
      if (from == to) continue;
      costs.send[from][to] = machine.link(from, to).send_ns;
      costs.rest[from][to] = machine.link(from, to).rest_ns();
    }
  }
  return costs;
}

std::span<const synthetic_machine> study_machines() { return machines; }

}  // namespace cooper::test
