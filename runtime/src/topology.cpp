// SPDX-License-Identifier: BSD-3-Clause
// What a topology answers, and how a list of PU numbers becomes cores. Reading: topology_read.cpp.
#include <cooper/runtime/topology.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace cooper {
namespace {

constexpr std::array<std::string_view, link_class_count> link_class_names{"self", "smt",     "l2",
                                                                          "l3",   "package", "remote"};

constexpr std::array<std::string_view, 3> cache_type_names{"data", "instruction", "unified"};
constexpr std::array<std::string_view, 8> os_device_type_names{"none", "block",       "network", "openfabrics",
                                                               "gpu",  "coprocessor", "dma",     "other"};

bool both_in(std::uint32_t a, std::uint32_t b) { return a == b && a != nowhere; }

error bad_list(std::string_view list, std::string_view what) {
  std::string shown{list.substr(0, 60)};
  if (list.size() > 60) shown += "...";
  return {errc::bad_option, "'" + shown + "' is no list of PU numbers such as 0,2-3: " + std::string{what}};
}

// Takes a number off the front; the message of what is wrong otherwise.
std::optional<std::string> take_number(std::string_view& text, std::uint32_t& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (code == std::errc::result_out_of_range)
    return "the number " + std::string{text.substr(0, std::min<std::size_t>(length, 30))} + " is too large";
  if (code != std::errc{}) {
    if (text.empty() || text.front() == ',') return "a number is missing";
    return "'" + std::string{text.substr(0, 20)} + "' is no number";
  }
  text.remove_prefix(length);
  return std::nullopt;
}

std::string pu_name(std::uint32_t pu) { return "PU " + std::to_string(pu); }

// Adds one named PU, or says why not.
result<void> add_core(const topology& where, std::uint32_t pu, bool allow_oversubscription, std::vector<bool>& named,
                      std::vector<core_id>& chosen) {
  const auto id = where.find_pu(pu);
  if (!id) {
    std::vector<std::uint32_t> known;
    for (const auto& t : where.threads()) known.push_back(t.pu_index);
    const auto& off = where.offline_pus();
    const bool is_off = std::find(off.begin(), off.end(), pu) != off.end();
    return error{errc::no_such_core,
                 pu_name(pu) + (is_off ? " is switched off" : "") + "; there are " + format_pu_list(known)};
  }
  if (!where.thread(*id).allowed) return error{errc::core_not_allowed, pu_name(pu)};
  if (named[id->value] && !allow_oversubscription) return error{errc::duplicate_core, pu_name(pu)};
  if (chosen.size() == core_count_max)
    return error{errc::too_large, "more than " + std::to_string(core_count_max) + " cores are named"};
  named[id->value] = true;
  chosen.push_back(*id);
  return {};
}

}  // namespace

std::string_view name_of(link_class c) noexcept { return link_class_names[static_cast<std::size_t>(c)]; }

std::string_view name_of(cache_type t) noexcept { return cache_type_names[static_cast<std::size_t>(t)]; }

std::string_view name_of(device_kind k) noexcept { return k == device_kind::pci ? "pci" : "os"; }

std::string_view name_of(os_device_type t) noexcept { return os_device_type_names[static_cast<std::size_t>(t)]; }

std::vector<core_id> topology::allowed_cores() const {
  std::vector<core_id> cores;
  for (const auto& t : threads_)
    if (t.allowed) cores.push_back(t.id);
  return cores;
}

std::optional<core_id> topology::find_pu(std::uint32_t pu_index) const noexcept {
  const auto found =
      std::find_if(threads_.begin(), threads_.end(), [=](const auto& t) { return t.pu_index == pu_index; });
  if (found == threads_.end()) return std::nullopt;
  return found->id;
}

link_class topology::relation(core_id a, core_id b) const {
  const auto& x = thread(a);
  const auto& y = thread(b);
  if (a == b) return link_class::self;
  if (x.physical_core == y.physical_core) return link_class::smt;
  if (both_in(x.l2, y.l2)) return link_class::l2;
  if (both_in(x.l3, y.l3)) return link_class::l3;
  if (x.package == nowhere && y.package == nowhere) return x.node == y.node ? link_class::package : link_class::remote;
  return x.package == y.package ? link_class::package : link_class::remote;
}

result<std::vector<pu_range>> parse_pu_list(std::string_view list) {
  std::vector<pu_range> ranges;
  std::string_view rest = list;
  while (true) {
    pu_range range;
    if (auto wrong = take_number(rest, range.first)) return bad_list(list, *wrong);
    range.last = range.first;
    if (rest.starts_with('-')) {
      rest.remove_prefix(1);
      if (auto wrong = take_number(rest, range.last)) return bad_list(list, *wrong);
      if (range.last < range.first)
        return bad_list(
            list, "the range " + std::to_string(range.first) + "-" + std::to_string(range.last) + " runs backwards");
    }
    ranges.push_back(range);
    if (rest.empty()) return ranges;
    if (!rest.starts_with(',')) return bad_list(list, "'" + std::string{rest.substr(0, 20)} + "' is not understood");
    rest.remove_prefix(1);
  }
}

std::string format_pu_list(std::vector<std::uint32_t> pus) {
  std::sort(pus.begin(), pus.end());
  std::string text;
  for (std::size_t first = 0; first < pus.size();) {
    std::size_t last = first;
    while (last + 1 < pus.size() && pus[last + 1] - pus[last] <= 1) ++last;
    if (!text.empty()) text += ",";
    text += std::to_string(pus[first]);
    if (pus[last] != pus[first]) text += "-" + std::to_string(pus[last]);
    first = last + 1;
  }
  return text.empty() ? "none" : text;
}

result<std::vector<core_id>> select_cores(const topology& where, const std::optional<std::string>& list,
                                          bool allow_oversubscription) {
  if (!list) {
    auto all = where.allowed_cores();
    if (all.empty()) return error{errc::no_cores, "affinity mask and cpuset have no core of this machine in common"};
    return all;
  }
  if (list->find_first_not_of(" \t,") == std::string::npos) return error{errc::no_cores, "the list of cores is empty"};
  const auto ranges = parse_pu_list(*list);
  if (!ranges) return ranges.error();
  std::vector<bool> named(where.size());
  std::vector<core_id> chosen;
  // A range ends at its first PU that does not exist, so its length is no danger.
  for (const auto [first, last] : *ranges)
    for (std::uint64_t pu = first; pu <= last; ++pu)
      if (auto added = add_core(where, static_cast<std::uint32_t>(pu), allow_oversubscription, named, chosen); !added)
        return added.error();
  return chosen;
}

}  // namespace cooper
