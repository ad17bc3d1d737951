// SPDX-License-Identifier: BSD-3-Clause
#include "report_doctor.hpp"

#include <chrono>
#include <thread>

#include "doctor.hpp"

namespace cooper::tools {
namespace {

constexpr std::chrono::milliseconds sample_time{300};

}  // namespace

std::vector<std::string> ask_doctor(const topology& where, const std::vector<core_id>& cores) {
  const system_files files;
  patient who{files, where, {}, {}, {}, 0, {}};
  for (const core_id c : cores) who.pus.push_back(where.thread(c).pu_index);
  const auto start = std::chrono::steady_clock::now();
  who.before = read_activity(files);
  std::this_thread::sleep_for(sample_time);
  who.after = read_activity(files);
  who.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  who.tried = try_everything(who.pus);
  std::vector<std::string> words;
  for (const finding& f : examine(who)) {
    if (f.status != health::warn && f.status != health::bad) continue;
    words.push_back(f.id + ": " + f.found + (f.remedy.empty() ? "" : ". Remedy: " + f.remedy));
  }
  return words;
}

}  // namespace cooper::tools
