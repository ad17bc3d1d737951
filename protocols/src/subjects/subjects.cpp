// SPDX-License-Identifier: BSD-3-Clause
#include "subjects.hpp"

#include <algorithm>
#include <array>

namespace cooper::protocols {

std::span<const subject> subjects() {
  static const std::array all{call_subject, multicast_subject, broadcast_subject, barrier_subject,
                              two_phase_commit_subject};
  return all;
}

const subject* find_subject(std::string_view name) {
  const auto all = subjects();
  const auto found = std::find_if(all.begin(), all.end(), [&](const subject& s) { return s.name == name; });
  return found != all.end() ? &*found : nullptr;
}

std::string identity_of(const subject& of, const subject_options& options) {
  const auto count = [](std::size_t n, const char* what) { return ", " + std::to_string(n) + " " + what; };
  return std::string{of.name} + count(options.cores, "cores") + count(options.operations, "operations") +
         count(options.allowed.stops, "stops") + (options.allowed.stops_in_steps ? "" : " between steps") +
         count(options.allowed.expirations, "expirations") + count(options.allowed.duplicates, "duplicates") +
         (options.planted.empty() ? "" : ", with the bug " + options.planted);
}

result<exploration_report> explore(const subject& of, const subject_options& options, exploration_options how) {
  how.identity = identity_of(of, options);
  auto report = of.explore(options, how);
  if (!report) return report;
  if (report->not_resumed) return *report->not_resumed;
  if (report->not_possible) {
    return error{errc::malformed_input,
                 "action " + std::to_string(*report->not_possible + 1) + " cannot happen where it stands"};
  }
  return report;
}

result<void> check(const subject& of, const subject_options& options) {
  const auto within = [&](std::string_view what, std::size_t value, std::size_t most) -> result<void> {
    if (value >= 1 && value <= most) return {};
    return error{errc::bad_option, std::string{of.name} + " is explored with 1 to " + std::to_string(most) + " " +
                                       std::string{what} + ", not " + std::to_string(value)};
  };
  if (const auto good = within("cores", options.cores, of.cores_max); !good) return good;
  if (const auto good = within("operations", options.operations, of.operations_max); !good) return good;
  if (options.operations > options.cores) {
    return error{errc::bad_option, "no more operations are explored than there are cores"};
  }
  if (options.planted.empty() || std::find(of.bugs.begin(), of.bugs.end(), options.planted) != of.bugs.end()) {
    return {};
  }
  std::string known;
  for (const std::string_view bug : of.bugs) known += (known.empty() ? "" : ", ") + std::string{bug};
  return error{errc::unknown_name,
               "no bug '" + options.planted + "' can be planted in " + std::string{of.name} + "; there are " + known};
}

}  // namespace cooper::protocols
