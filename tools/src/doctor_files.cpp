// SPDX-License-Identifier: BSD-3-Clause
#include "doctor_files.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <sstream>

namespace cooper::tools {
namespace fs = std::filesystem;

fs::path system_files::under_root(std::string_view absolute) const {
  return root_ / fs::path{absolute}.relative_path();
}

bool system_files::exists(std::string_view absolute) const {
  std::error_code failed;
  return fs::exists(under_root(absolute), failed);
}

std::optional<std::string> system_files::text(std::string_view absolute) const {
  std::error_code failed;
  const auto path = under_root(absolute);
  if (fs::is_directory(path, failed)) return std::nullopt;
  std::ifstream in{path};
  std::ostringstream all;
  if (!in || (!(all << in.rdbuf()) && in.peek() != std::ifstream::traits_type::eof())) return std::nullopt;
  if (in.bad()) return std::nullopt;
  return all.str();
}

std::optional<std::string> system_files::line(std::string_view absolute) const {
  auto all = text(absolute);
  if (all) all->erase(std::min(all->find('\n'), all->size()));
  return all;
}

std::optional<std::int64_t> system_files::number(std::string_view absolute) const {
  const auto first = line(absolute);
  return first ? number_of(*first) : std::nullopt;
}

std::vector<std::string> system_files::names(std::string_view absolute) const {
  std::vector<std::string> found;
  std::error_code failed;
  for (fs::directory_iterator i{under_root(absolute), failed}, end; !failed && i != end; i.increment(failed))
    found.push_back(i->path().filename().string());
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string{text}};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::istringstream in{std::string{text}};
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool holds(const std::vector<pu_range>& ranges, std::uint32_t pu) {
  return std::any_of(ranges.begin(), ranges.end(), [=](pu_range r) { return r.first <= pu && pu <= r.last; });
}

std::string marked_word(std::string_view choices) {
  const auto open = choices.find('[');
  const auto close = choices.find(']', open == choices.npos ? 0 : open);
  if (open == choices.npos || close == choices.npos) return {};
  return std::string{choices.substr(open + 1, close - open - 1)};
}

namespace {

// "cpu3": 3; the sum over all, "cpu", is nothing.
std::optional<std::uint32_t> cpu_number(std::string_view word, std::string_view prefix) {
  if (!word.starts_with(prefix)) return std::nullopt;
  const auto number = number_of(word.substr(prefix.size()));
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

void read_ticks(const std::string& stat, activity& now) {
  for (const auto& line : lines_of(stat)) {
    const auto words = words_of(line);
    const auto cpu = words.empty() ? std::nullopt : cpu_number(words[0], "cpu");
    if (!cpu) continue;
    // user nice system idle iowait irq softirq steal; guests' time is in user already.
    const auto field = [&](std::size_t i) { return i < words.size() ? number_of(words[i]).value_or(0) : 0; };
    now.cpus[*cpu] = {field(1) + field(2) + field(3) + field(6) + field(7), field(4) + field(5), field(8)};
  }
}

// Only rows with a number are devices; the named ones are the kernel's own (timer, rescheduling, TLB).
void read_interrupts(const std::string& table, activity& now) {
  const auto lines = lines_of(table);
  if (lines.empty()) return;
  for (const auto& word : words_of(lines[0]))
    if (const auto cpu = cpu_number(word, "CPU")) now.interrupt_cpus.push_back(*cpu);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto words = words_of(lines[i]);
    if (words.size() <= now.interrupt_cpus.size() || std::isdigit(static_cast<unsigned char>(words[0][0])) == 0)
      continue;
    std::vector<std::int64_t> counts;
    for (std::size_t c = 0; c < now.interrupt_cpus.size(); ++c) counts.push_back(number_of(words[c + 1]).value_or(0));
    const bool is_named = words.size() > now.interrupt_cpus.size() + 1;
    now.interrupts[words[0].substr(0, words[0].size() - 1) + (is_named ? " (" + words.back() + ")" : "")] =
        std::move(counts);
  }
}

}  // namespace

activity read_activity(const system_files& files) {
  activity now;
  if (const auto stat = files.text("/proc/stat")) read_ticks(*stat, now);
  if (const auto table = files.text("/proc/interrupts")) read_interrupts(*table, now);
  return now;
}

}  // namespace cooper::tools
