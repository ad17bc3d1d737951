// SPDX-License-Identifier: BSD-3-Clause
// `cooper doctor`: gathers, examines, prints.
#include "doctor.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "commands.hpp"
#include "options.hpp"

namespace cooper::tools {
namespace {

struct doctor_options {
  std::optional<std::string> cores, json;
};

// Long enough for some dozens of the kernel's ticks.
constexpr std::chrono::milliseconds sample_time{300};

constexpr std::array<tint, 4> tints{tint::good, tint::soft, tint::warning, tint::bad};

int run_doctor(const doctor_options& options) {
  const auto json = open_output(options.json);
  if (!json) return report(json.error());
  const auto where = topology::discover();
  if (!where) return report(where.error());
  const auto chosen = select_cores(*where, options.cores, false);
  if (!chosen) return report(chosen.error());

  const system_files files;
  patient who{files, *where, {}, {}, {}, 0, {}};
  for (const auto c : *chosen) who.pus.push_back(where->thread(c).pu_index);
  const auto start = std::chrono::steady_clock::now();
  who.before = read_activity(files);
  std::this_thread::sleep_for(sample_time);
  who.after = read_activity(files);
  who.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  // Trying comes after the sample, for it moves this thread over the cores that are watched.
  who.tried = try_everything(who.pus);
  const auto findings = examine(who);

  if (*json)
    if (auto done = (*json)->commit(findings_json(findings, *where)); !done) return report(done.error());
  if (options.json != "-") std::fputs(findings_text(findings, wants_colour(stdout)).c_str(), stdout);
  return worst_of(findings) == health::bad ? exit_check_failed : exit_good;
}

}  // namespace

std::string_view name_of(health h) noexcept {
  constexpr std::array<std::string_view, 4> names{"ok", "unknown", "warn", "bad"};
  return names[static_cast<std::size_t>(h)];
}

std::vector<finding> examine(const patient& who) {
  std::vector<finding> findings;
  for (const auto probes : {cpu_probes(), load_probes(), limit_probes(), memory_probes()})
    for (const auto& probe : probes) {
      finding f;
      f.id = probe.id;
      f.why = probe.why;
      probe.look(who, f);
      findings.push_back(std::move(f));
    }
  return findings;
}

health worst_of(const std::vector<finding>& findings) {
  health worst = health::ok;
  for (const auto& f : findings) worst = std::max(worst, f.status);
  return worst;
}

std::string findings_text(const std::vector<finding>& findings, bool coloured) {
  std::string out;
  std::array<std::size_t, 4> counts{};
  for (const auto& f : findings) {
    const auto status = static_cast<std::size_t>(f.status);
    ++counts[status];
    out += tinted(fmt::format("{:<8}", name_of(f.status)), tints[status], coloured);
    out += tinted(fmt::format("{:<17}", f.id), tint::bold, coloured) + f.found + "\n";
    if (f.status == health::ok) continue;
    const std::string indent(25, ' ');
    out += indent + tinted("why: " + f.why, tint::soft, coloured) + "\n";
    if (!f.remedy.empty()) out += indent + "do:  " + f.remedy + "\n";
  }
  return out + fmt::format("\n{} ok, {} to improve, {} bad, {} unknown\n", counts[0], counts[2], counts[3], counts[1]);
}

std::string findings_json(const std::vector<finding>& findings, const topology& where) {
  std::string out =
      fmt::format("{{\n  \"name\": {},\n  \"topology_hash\": \"{}\",\n  \"worst\": \"{}\",\n  \"findings\": [",
                  boost::json::serialize(boost::json::value(where.name())), where.hash(), name_of(worst_of(findings)));
  const char* separator = "\n    ";
  for (const auto& f : findings) {
    out += separator +
           boost::json::serialize(boost::json::object{
               {"id", f.id}, {"status", name_of(f.status)}, {"found", f.found}, {"why", f.why}, {"remedy", f.remedy}});
    separator = ",\n    ";
  }
  return out + "\n  ]\n}\n";
}

void add_doctor(CLI::App& app, int& exit) {
  auto* doctor = app.add_subcommand("doctor", "Find what on this machine will spoil latency, with remedies");
  auto options = std::make_shared<doctor_options>();
  add_cores_option(*doctor, options->cores);
  add_json_option(*doctor, options->json);
  doctor->footer(
      "Exits with 1 if something is bad, with 0 otherwise, warnings included.\n"
      "Examples:\n"
      "  cooper doctor\n"
      "  cooper doctor --cores 2-3 --json findings.json");
  doctor->callback([options, &exit] { exit = run_doctor(*options); });
}

}  // namespace cooper::tools
