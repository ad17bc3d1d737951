// SPDX-License-Identifier: BSD-3-Clause
#include "report.hpp"

#include <dlfcn.h>
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <map>

namespace cooper::footprint {
namespace {

struct frame {
  std::string function, file;
};

// The functions that stand at an address, the innermost first: what was inlined there, and what it was inlined into.
std::vector<frame> frames_at(std::uintptr_t address) {
  std::vector<frame> frames;
  Dl_info module{};
  if (address == 0 || ::dladdr(reinterpret_cast<void*>(address), &module) == 0) return frames;
  // A return address is behind the call.
  const std::uintptr_t offset = address - 1 - reinterpret_cast<std::uintptr_t>(module.dli_fbase);
  char command[1024];
  std::snprintf(command, sizeof command, "addr2line -C -f -i -e '%s' 0x%" PRIxPTR " 2>/dev/null", module.dli_fname,
                offset);
  FILE* const out = ::popen(command, "r");
  char text[4096];
  const auto next = [&](std::string& line) {
    if (out == nullptr || std::fgets(text, sizeof text, out) == nullptr) return false;
    line = text;
    if (!line.empty() && line.back() == '\n') line.pop_back();
    return true;
  };
  for (frame f; next(f.function) && next(f.file);) frames.push_back(f);
  if (out != nullptr) ::pclose(out);
  if (frames.empty() && module.dli_sname != nullptr) frames.push_back({module.dli_sname, module.dli_fname});
  return frames;
}

bool is_of_the_language(std::string_view function) {
  return function.starts_with("std::") || function.starts_with("__gnu_cxx::") || function.starts_with("__") ||
         function.starts_with("operator ") || function == "??";
}

// The first function that is not the standard library's: whose access it was.
const frame* whose(const std::vector<frame>& frames) {
  for (const frame& f : frames) {
    // The standard library's templates begin with their result type.
    if (is_of_the_language(f.function) || f.file.find("/include/c++/") != std::string::npos) continue;
    return &f;
  }
  return frames.empty() ? nullptr : &frames.front();
}

std::string short_file(const std::string& file) {
  const std::size_t note = file.find(" (discriminator");
  const std::string plain = file.substr(0, note);
  const std::string root = COOPER_SOURCE_DIR "/";
  return plain.starts_with(root) ? plain.substr(root.size()) : plain;
}

class places {
 public:
  const std::vector<frame>& at(std::uintptr_t address) {
    auto found = known_.find(address);
    if (found == known_.end()) found = known_.emplace(address, frames_at(address)).first;
    return found->second;
  }
  std::string describe(const place& where) {
    std::string text;
    const std::vector<frame>& inner = at(where.at);
    if (const frame* f = whose(inner)) text += f->function + "\n      at " + short_file(f->file);
    if (const frame* f = whose(at(where.called_from))) text += "\n      called from " + short_file(f->file);
    return text.empty() ? "an unknown place" : text;
  }

 private:
  std::map<std::uintptr_t, std::vector<frame>> known_;
};

std::string_view name_of(access how) {
  switch (how) {
    case access::plain_read:
      return "reads";
    case access::plain_write:
      return "writes";
    case access::atomic_read:
      return "reads atomically";
    case access::atomic_write:
      return "writes atomically";
  }
  return "touches";
}

std::string words_of(const party& p) {
  std::string text;
  for (unsigned word = 0; word < 8; ++word) {
    if ((p.what.words >> word & 1) != 0) text += (text.empty() ? "" : ",") + std::to_string(word * 8);
  }
  return text;
}

std::string side(const party& p, places& known) {
  return "  core " + std::to_string(p.core) + " " + std::string{name_of(p.how)} + " at +" + words_of(p) + " in " +
         known.describe(p.what.where) + "\n";
}

std::string advice(const violation& v) {
  const bool same = (v.before.what.words & v.now.what.words) != 0;
  const bool both_atomic = v.before.how >= access::atomic_read && v.now.how >= access::atomic_read;
  if (!same) {
    return "  no word in common: give what each core touches a line of its own (alignas(destructive_bytes))\n";
  }
  if (both_atomic) {
    return "  a second writer: let one core write the word and others read it, or send lines to an owner; a word that\n"
           "  must have several writers is declared (rule::many_writers) and argued for\n";
  }
  return "  send its contents in a line or a bulk buffer; if the line does change its owner here, whoever gives it\n"
         "  away says footprint::let_go\n";
}

}  // namespace

std::vector<finding> explain_violations(std::span<const std::string_view> libraries) {
  const ignored by_myself;
  static constexpr std::size_t room = 256;
  std::vector<violation> taken(room);
  taken.resize(take_violations(taken.data(), room));
  std::vector<finding> all;
  places known;
  for (const violation& v : taken) {
    finding f{.what = v, .text = {}, .made_in = {}};
    char head[128];
    std::snprintf(head, sizeof head, "two cores touch the line 0x%" PRIxPTR ":\n", v.line);
    f.text = head + side(v.before, known) + side(v.now, known) + advice(v);
    for (const party* p : {&v.before, &v.now}) {
      const frame* const mine = whose(known.at(p->what.where.at));
      if (mine == nullptr) continue;
      for (const std::string_view name : libraries) {
        if (mine->function.find(name) == 0) f.made_in = name;
      }
    }
    // Once for each line: what else happens there has the same cure.
    const bool known_line = std::any_of(all.begin(), all.end(), [&](const finding& other) {
      return f.made_in.empty() && other.made_in.empty() && other.what.line == v.line;
    });
    if (!known_line) all.push_back(std::move(f));
  }
  return all;
}

}  // namespace cooper::footprint
