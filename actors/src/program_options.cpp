// SPDX-License-Identifier: BSD-3-Clause
#include "program_options.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

namespace cooper::actors {
namespace {

constexpr std::string_view option_names[] = {"--cores",  "--simulate",   "--topology", "--seed",
                                             "--faults", "--wall-clock", "--trace"};

error wrong(std::string what) { return {errc::bad_option, std::move(what)}; }

result<std::uint64_t> number_of(std::string_view option, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) {
    return wrong(fmt::format("{} takes a number, and '{}' is none", option, text));
  }
  return value;
}

result<void> set(program_options& to, std::string_view option, std::string value) {
  if (option == "--cores")
    to.cores = std::move(value);
  else if (option == "--simulate")
    to.simulate = std::move(value);
  else if (option == "--topology")
    to.topology = std::move(value);
  else if (option == "--trace")
    to.trace = std::move(value);
  else if (option == "--wall-clock") {
    if (value != "allowed" && value != "refused") return wrong("--wall-clock takes allowed or refused");
    to.clock_allowed = value == "allowed";
  } else {
    const auto number = number_of(option, value);
    if (!number) return number.error();
    if (option == "--seed")
      to.seed = *number;
    else
      to.faults = static_cast<std::size_t>(*number);
  }
  return {};
}

}  // namespace

result<program_options> parse_program_options(int argc, const char* const* argv) {
  program_options options;
  int i = 1;
  for (; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    if (word == "--") {
      ++i;
      break;
    }
    // What is none of ours is the program's, and all that follows.
    if (std::find(std::begin(option_names), std::end(option_names), name) == std::end(option_names)) break;
    if (equals == std::string_view::npos && ++i == argc) return wrong(fmt::format("{} takes a value", name));
    std::string value{equals == std::string_view::npos ? std::string_view{argv[i]} : word.substr(equals + 1)};
    if (value.empty()) return wrong(fmt::format("{} takes a value", name));
    if (const auto done = set(options, name, std::move(value)); !done) return done.error();
  }
  options.rest.assign(argv + i, argv + argc);
  if (!options.simulate) {
    const auto needs = [](std::string_view name) { return wrong(fmt::format("{} goes with --simulate", name)); };
    if (options.topology) return needs("--topology");
    if (options.seed) return needs("--seed");
    if (options.faults != 0) return needs("--faults");
    if (options.clock_allowed) return needs("--wall-clock");
  }
  return options;
}

std::string program_usage(const char* program) {
  return fmt::format(
      "usage: {} [--cores LIST] [--simulate PROFILE [--topology SYNTHETIC] [--seed N] [--faults N] [--wall-clock "
      "allowed]] "
      "[--trace FILE] [--] [ARGUMENT...]\n",
      program);
}

}  // namespace cooper::actors
