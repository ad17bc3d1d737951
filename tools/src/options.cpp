// SPDX-License-Identifier: BSD-3-Clause
#include "options.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "commands.hpp"

namespace cooper::tools {
namespace fs = std::filesystem;
namespace {

error unwritable(const std::string& path, const std::string& why) {
  return {errc::unwritable_output, "'" + path + "': " + why};
}

error unwritable_now(const std::string& path) { return unwritable(path, std::strerror(errno)); }

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const auto n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// A new empty file beside the target; -1 with errno set if that cannot be.
int make_neighbour(const std::string& target, std::string& name) {
  const fs::path path{target};
  name = (path.parent_path() / ("." + path.filename().string().substr(0, 200) + ".XXXXXX")).string();
  return ::mkostemp(name.data(), O_CLOEXEC);
}

// Where a link points to, so that the file behind it is replaced and not the link; a link to nothing is followed too.
result<std::string> behind_links(std::string path) {
  const std::string given = path;
  std::error_code failed;
  for (int links = 0; fs::is_symlink(path, failed); ++links) {
    if (links == 40) return unwritable(given, "too many symbolic links");
    const auto to = fs::read_symlink(path, failed);
    if (failed) return unwritable(given, failed.message());
    path = (fs::path{path}.parent_path() / to).string();
  }
  return path;
}

}  // namespace

void add_cores_option(CLI::App& app, std::optional<std::string>& cores) {
  app.add_option("--cores", cores, "Cores by PU number as 'cooper topo' shows them, e.g. 0,2-3 (default: all usable)")
      ->type_name("LIST");
}

void add_machine_options(CLI::App& app, machine_options& options) {
  add_cores_option(app, options.cores);
  app.add_option("--xml", options.xml, "Another machine: a file written by 'lstopo FILE.xml'")->type_name("FILE");
  app.add_option("--synthetic", options.synthetic, "An invented machine, e.g. 'package:2 l3:2 core:4 pu:2'")
      ->type_name("STRING");
}

result<topology> load_topology(const machine_options& options) {
  if (options.xml && options.synthetic) return error{errc::bad_option, "--xml and --synthetic exclude each other"};
  if (options.xml) return topology::from_xml(*options.xml);
  if (options.synthetic) return topology::from_synthetic(*options.synthetic);
  return topology::discover();
}

void add_seed_option(CLI::App& app, std::optional<std::uint64_t>& seed) {
  app.add_option("--seed", seed, "Seed of everything random")->type_name("N");
}

void add_json_option(CLI::App& app, std::optional<std::string>& path) {
  app.add_option("--json", path, "Write the result as JSON; '-' is standard output")->type_name("FILE");
}

result<output> open_output(const std::string& path) {
  if (path == "-") return output{path, true};
  if (path.empty()) return unwritable(path, "the path is empty");
  const auto target = behind_links(path);
  if (!target) return target.error();
  struct stat about {};
  if (::stat(target->c_str(), &about) == 0) {
    if (S_ISDIR(about.st_mode)) return unwritable(path, "is a directory");
    if (::access(target->c_str(), W_OK) != 0) return unwritable_now(path);
    if (!S_ISREG(about.st_mode)) return output{*target, true};
  } else if (errno != ENOENT) {
    return unwritable_now(path);
  } else if (target->back() == '/') {
    return unwritable(path, "is a directory that does not exist");
  }
  std::string probe;
  const int fd = make_neighbour(*target, probe);
  if (fd < 0) return unwritable_now(path);
  // A file can be made on a full disk; its first block cannot.
  const bool takes_bytes = write_all(fd, std::string(4096, ' ')) && ::fsync(fd) == 0;
  const int why = errno;
  const bool closed = ::close(fd) == 0;
  ::unlink(probe.c_str());
  if (!takes_bytes) errno = why;
  if (!takes_bytes || !closed) return unwritable_now(path);
  return output{*target, false};
}

result<std::optional<output>> open_output(const std::optional<std::string>& path) {
  if (!path) return std::optional<output>{};
  auto opened = open_output(*path);
  if (!opened) return opened.error();
  return std::optional<output>{std::move(*opened)};
}

result<void> output::commit(std::string_view content) const {
  if (is_stdout()) {
    std::fwrite(content.data(), 1, content.size(), stdout);
    return finish_stdout();
  }
  std::string name = target_;
  const int fd = in_place_ ? ::open(target_.c_str(), O_WRONLY | O_CLOEXEC) : make_neighbour(target_, name);
  if (fd < 0) return unwritable_now(target_);
  bool good = write_all(fd, content);
  if (!in_place_ && good) {
    // The mode that a plain creation would have given, or the old file's; mkostemp is private.
    struct stat old {};
    const auto mask = ::umask(0);
    ::umask(mask);
    good = ::fchmod(fd, ::stat(target_.c_str(), &old) == 0 ? old.st_mode & 07777 : 0666 & ~mask) == 0;
  }
  int why = errno;
  // A network file system reports a full disk only here.
  if (::close(fd) != 0 && good) {
    good = false;
    why = errno;
  }
  if (!in_place_) {
    if (good && ::rename(name.c_str(), target_.c_str()) != 0) {
      good = false;
      why = errno;
    }
    if (!good) ::unlink(name.c_str());
  }
  if (!good) return unwritable(target_, std::strerror(why));
  return {};
}

result<std::string> read_input(const std::string& path, std::size_t bytes_max) {
  std::error_code failed;
  if (std::filesystem::is_directory(path, failed)) {
    return error{errc::unreadable_input, "'" + path + "' is a folder"};
  }
  std::ifstream in{path, std::ios::binary};
  if (!in) return error{errc::unreadable_input, "'" + path + "'"};
  // One byte more than is allowed tells that there is more; the file may be a pipe.
  std::string all(bytes_max + 1, '\0');
  in.read(all.data(), static_cast<std::streamsize>(all.size()));
  if (in.bad()) return error{errc::unreadable_input, "'" + path + "'"};
  all.resize(static_cast<std::size_t>(in.gcount()));
  if (all.size() > bytes_max) return error{errc::too_large, fmt::format("'{}': over {} bytes", path, bytes_max)};
  return all;
}

result<void> finish_stdout() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  return unwritable("standard output", errno != 0 ? std::strerror(errno) : "something written before was lost");
}

int exit_code_of(errc code) noexcept {
  switch (code) {
    case errc::bad_option:
    case errc::unknown_name:
    case errc::unreadable_input:
    case errc::malformed_input:
    case errc::unwritable_output:
    case errc::no_such_core:
    case errc::core_not_allowed:
    case errc::duplicate_core:
    case errc::no_cores:
    case errc::oversubscribed:
    case errc::too_large:
    case errc::not_supported_here:
    case errc::query_malformed:
    case errc::query_unknown:
    case errc::query_forbidden:
      return exit_bad_usage;
    default:
      return exit_failed;
  }
}

int report(const error& e) {
  const bool coloured = wants_colour(stderr);
  std::fprintf(stderr, "%s %s\n", tinted("cooper:", tint::bad, coloured).c_str(), e.message().c_str());
  return exit_code_of(e.code());
}

bool wants_colour(std::FILE* stream) {
  const char* no = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (no != nullptr && *no != '\0') return false;
  if (term == nullptr || std::string_view{term} == "dumb") return false;
  return ::isatty(::fileno(stream)) == 1;
}

std::string tinted(std::string_view text, tint how, bool coloured) {
  if (!coloured || how == tint::plain) return std::string{text};
  constexpr const char* codes[] = {"0", "1", "2", "32", "33", "1;31"};
  return "\033[" + std::string{codes[static_cast<int>(how)]} + "m" + std::string{text} + "\033[0m";
}

}  // namespace cooper::tools
