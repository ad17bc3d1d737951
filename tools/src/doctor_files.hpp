// SPDX-License-Identifier: BSD-3-Clause
// What the kernel tells in /proc and /sys, read below a root of choice: tests feed trees of their own. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cooper/runtime/topology.hpp>

namespace cooper::tools {

class system_files {
 public:
  explicit system_files(std::filesystem::path root = "/") : root_{std::move(root)} {}

  std::filesystem::path under_root(std::string_view absolute) const;
  bool exists(std::string_view absolute) const;
  // The whole file; nothing if it cannot be read.
  std::optional<std::string> text(std::string_view absolute) const;
  // The first line without its end.
  std::optional<std::string> line(std::string_view absolute) const;
  std::optional<std::int64_t> number(std::string_view absolute) const;
  // Names in a folder, sorted.
  std::vector<std::string> names(std::string_view absolute) const;

 private:
  std::filesystem::path root_;
};

std::vector<std::string> words_of(std::string_view text);
std::vector<std::string> lines_of(std::string_view text);
std::optional<std::int64_t> number_of(std::string_view text);
bool holds(const std::vector<pu_range>& ranges, std::uint32_t pu);
// Of the kernel's "a [b] c": b; empty if none is marked.
std::string marked_word(std::string_view choices);

// How one CPU spent its time since boot, in ticks.
struct cpu_ticks {
  std::int64_t busy = 0;  // user, nice, system, interrupts
  std::int64_t idle = 0;  // idle and waiting for a disk
  std::int64_t steal = 0;
};

// A snapshot of all that is judged by its change.
struct activity {
  std::map<std::uint32_t, cpu_ticks> cpus;
  // Device interrupts: name -> how many each CPU took, in order of the file's columns.
  std::map<std::string, std::vector<std::int64_t>> interrupts;
  std::vector<std::uint32_t> interrupt_cpus;
};
activity read_activity(const system_files& files);

}  // namespace cooper::tools
