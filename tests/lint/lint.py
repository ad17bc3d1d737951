#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What no compiler checks: one function a rule, each returning the violations it finds.

    lint.py [--root DIR] [RULE...]     all rules if none is named; exits 1 if one is broken

canary.py plants a violation of every rule and fails unless it is found, so a rule cannot quietly see nothing.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SKIPPED_FOLDERS = {"build", "report", ".git", ".cache", "__pycache__"}
MODULES = ["vocabulary", "runtime", "skb", "protocols", "actors"]
# protocols see the vocabulary and nothing else; every other module sees what stands before it.
ALLOWED_MODULES = {name: set(MODULES[: i + 1]) for i, name in enumerate(MODULES)}
ALLOWED_MODULES["protocols"] = {"vocabulary", "protocols"}

# Where std::atomic and std::memory_order may stand without a note. Everywhere else an access either names a site of
# sync.hpp, so that the model environment sees it, or carries a note of its own beside it:
#     // sync(stop.tell) release <-> stop.see: what the loop did before it ended.
ATOMICS_ALLOWED = [
    r"runtime/include/cooper/runtime/(native_environment|sync)\.hpp",
    r"runtime/src/native_(environment|platform)\.[ch]pp",
    r"runtime/(src|include/cooper/runtime)/(trace|metrics|flight_recorder)[a-z_]*\.[ch]pp",  # words with one writer
    r"runtime/src/[a-z]*_?machine[a-z_]*\.[ch]pp",  # start and stop of the drivers' threads
    r"runtime/vocabulary/src/assert\.cpp",  # the crash hook
    r"(bench|tests|examples)/.*",
]

SIZE_LIMITS = {".hpp": (300, 400), ".cpp": (500, 800)}


class Tree:
    """The repository's text files. `planted` adds or replaces files in memory: the canary's copy."""

    def __init__(self, root, planted=None):
        self.root = Path(root)
        self.planted = planted or {}
        found = set(self.planted)
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(d for d in folders if d not in SKIPPED_FOLDERS)
            found.update(str((Path(folder) / f).relative_to(self.root)) for f in files)
        self.paths = sorted(found)
        self.cache = {}

    def text(self, path):
        if path not in self.cache:
            on_disk = self.root / path
            self.cache[path] = self.planted.get(path) or on_disk.read_text(encoding="utf-8", errors="replace")
        return self.cache[path]

    def exists(self, path):
        return path in self.planted or (self.root / path).exists()

    def having(self, *suffixes):
        return [p for p in self.paths if p.endswith(suffixes)]

    def cpp(self):
        return self.having(".hpp", ".cpp")

    def code(self):
        scripts = {"run", "check", ".ci/run"}
        return [p for p in self.paths
                if p.endswith((".hpp", ".cpp", ".cmake", ".py", ".sh")) or p.endswith("CMakeLists.txt") or p in scripts]


def without_comments(text, keep_strings=False):
    """The same lines, with comments (and what strings hold) blanked."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
                       r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)

    def blank(match):
        found = match.group(0)
        if not found.startswith("/"):
            return found if keep_strings else '""' + "\n" * found.count("\n")
        return " " + "\n" * found.count("\n")

    return token.sub(blank, text)


def matches(tree, paths, pattern, message, keep_strings=False):
    found = []
    for path in paths:
        for number, line in enumerate(without_comments(tree.text(path), keep_strings).split("\n"), 1):
            hit = re.search(pattern, line)
            if hit:
                found.append(f"{path}:{number}: {message.format(hit.group(0).strip())}")
    return found


def line_length(tree):
    return [f"{path}:{number}: {len(line)} columns, 120 is the limit"
            for path in tree.code()
            for number, line in enumerate(tree.text(path).split("\n"), 1) if len(line) > 120]


def spdx(tree):
    found = []
    for path in tree.cpp():
        if not tree.text(path).startswith("// SPDX-License-Identifier: BSD-3-Clause\n"):
            found.append(f"{path}:1: the first line must be '// SPDX-License-Identifier: BSD-3-Clause'")
    for path in set(tree.code()) - set(tree.cpp()):
        if path.endswith((".cmake", "CMakeLists.txt")):
            continue
        if "# SPDX-License-Identifier: BSD-3-Clause" not in tree.text(path).split("\n")[:2]:
            found.append(f"{path}:1: a script starts with its SPDX line, after '#!' if there is one")
    return found


def file_size(tree):
    found = []
    for path in tree.cpp():
        soft, hard = SIZE_LIMITS[Path(path).suffix]
        lines = tree.text(path).count("\n")
        if lines > hard:
            found.append(f"{path}: {lines} lines; {hard} is the limit, {soft} the aim: split it by responsibility")
        elif lines > soft:
            print(f"note: {path}: {lines} lines, the aim is {soft}")
    return found


NOTE = re.compile(r"//\s*sync\(([\w.]+)\)\s*(\w+)([^\n]*(?:\n\s*//(?!\s*sync\()[^\n]*)*)")


def atomics(tree):
    found, notes = [], {}
    for path in tree.cpp():
        if module_of(path) and path != SYNC_TABLE:
            for name, _, text in NOTE.findall(tree.text(path)):
                notes.setdefault(name, (path, set()))[1].update(re.findall(r"<->\s*([\w.]*\w)", text))
        if any(re.fullmatch(allowed, path) for allowed in ATOMICS_ALLOWED):
            continue
        lines = tree.text(path).split("\n")
        noted = "// sync(" in tree.text(path)
        for number, line in enumerate(without_comments(tree.text(path)).split("\n")):
            place = f"{path}:{number + 1}: "
            above = number
            while above > 0 and lines[above - 1].lstrip().startswith("//"):
                above -= 1
            if re.search(r"\bmemory_order", line) and "sync(" not in "\n".join(lines[above:number + 1]):
                found.append(place + "a memory order without a note: name a site of sync.hpp, or write // sync(x) ...")
            elif re.search(r"\bstd::atomic|#include <atomic>", line) and not noted:
                found.append(place + "atomic accesses go through the environment and sync.hpp, or carry notes")
        # Without an order an operation is sequentially consistent: a fence that nobody asked for.
        text = without_comments(tree.text(path))
        for hit in re.finditer(r"\.(load\(\)|(fetch_(add|sub|or|and)|compare_exchange_\w+)\([^;]*)", text):
            if "order" not in hit.group(0):
                number = text[:hit.start()].count("\n") + 1
                found.append(f"{path}:{number}: .{hit.group(1)[:30]} names no memory order")
    for name, (path, others) in sorted(notes.items()):
        for other in others:
            if other not in notes or name not in notes[other][1]:
                found.append(f"{path}: sync({name}) says '<-> {other}', and no note sync({other}) says '<-> {name}'")
    return found


SYNC_TABLE = "runtime/include/cooper/runtime/sync.hpp"


def sync_rows(tree):
    """The rows of COOPER_SYNC_TABLE, as name -> (order, note)."""
    table = re.search(r"#define COOPER_SYNC_TABLE\(X\)(.*?[^\\])\n", tree.text(SYNC_TABLE), re.S)
    if not table:
        return {}
    text = re.sub(r"\\\n\s*", " ", table.group(1))
    rows = re.findall(r'X\((\w+),\s*(\w+),\s*((?:"(?:\\.|[^"\\])*"\s*)+)\)', text)
    return {name: (order, "".join(re.findall(r'"((?:\\.|[^"\\])*)"', note))) for name, order, note in rows}


def sync_sites(tree):
    rows = sync_rows(tree)
    if len(rows) < 2:
        return [f"{SYNC_TABLE}: COOPER_SYNC_TABLE cannot be read"]
    users = [p for p in tree.cpp() if p.startswith("runtime/") and p not in (
        SYNC_TABLE, "runtime/include/cooper/runtime/environment.hpp")]
    text = "\n".join(without_comments(tree.text(p)) for p in users)
    used = set(re.findall(r"\bsync::(\w+)", text))
    found = []
    for name, (order, note) in rows.items():
        if not note.strip():
            found.append(f"{SYNC_TABLE}: {name} has no note")
        if name not in used:
            found.append(f"{SYNC_TABLE}: {name} is never used as sync::{name} in runtime/; delete the row")
        others = re.findall(r"<->\s*(\w+)", note)
        if order in ("release", "acquire", "acq_rel") and not others:
            found.append(f"{SYNC_TABLE}: {name} is {order}, so its note must name the other end: <-> site")
        for other in others:
            if other not in rows:
                found.append(f"{SYNC_TABLE}: {name} says '<-> {other}', and there is no such site")
            elif name not in re.findall(r"<->\s*(\w+)", rows[other][1]):
                found.append(f"{SYNC_TABLE}: {name} says '<-> {other}', but {other} does not say '<-> {name}'")
    return found


def module_of(path):
    if path.startswith("runtime/vocabulary/"):
        return "vocabulary"
    first = path.split("/")[0]
    return first if first in MODULES else None


def own_private_header(tree, path, module, name):
    """Whether `#include "name"` in that file means a header that stands in its module's own src/."""
    folder = ("runtime/vocabulary" if module == "vocabulary" else module) + "/src"
    places = [os.path.normpath(os.path.join(at, name)) for at in (os.path.dirname(path), folder)]
    return any(p.startswith(folder + "/") and tree.exists(p) for p in places)


def includes(tree):
    found = []
    for path in tree.cpp():
        module, public = module_of(path), "/include/" in path
        for number, line in enumerate(without_comments(tree.text(path), keep_strings=True).split("\n"), 1):
            hit = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
            if not hit:
                continue
            kind, name = hit.groups()
            place = f"{path}:{number}: "
            if re.match(r"hwloc(/|\.h)", name) and not re.match(r"(runtime/src/topology|tests/)", path):
                found.append(place + "hwloc is known to runtime/src/topology* only")
            if re.match(r"boost/asio|asio(/|\.hpp)", name) and public:
                found.append(place + "Asio stays out of public headers: it would reach every user's compile time")
            if name.startswith("caf/") and not re.match(r"(actors|bench|tests|examples)/", path):
                found.append(place + "CAF is known to actors/, and to programs that use it: bench/, tests/, examples/")
            target = re.match(r"cooper/(\w+)/", name)
            if module and target and target.group(1) in MODULES and target.group(1) not in ALLOWED_MODULES[module]:
                found.append(place + f"{module} must not include {target.group(1)}: a module sees what is below it")
            strange = module and kind == '"' and not own_private_header(tree, path, module, name)
            if strange or module and re.match(r"(\.\./|tests/|bench/|tools/)", name):
                found.append(place + "a module includes its own private headers by name, and nobody else's")
            if public and kind == '"':
                found.append(place + "a public header includes by <cooper/...> only; a private header is not installed")
    return found


def wording(tree):
    # Spelled in pieces, so that this file passes its own rule.
    words = "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"])
    found = []
    for path in tree.code() + tree.having(".md"):
        for number, line in enumerate(tree.text(path).split("\n"), 1):
            hit = re.search(rf"\b({words})\b", line)
            if hit and not path.startswith("tests/lint/"):
                if "`" + hit.group(0) + "`" not in line:
                    found.append(f"{path}:{number}: '{hit.group(0)}': do it now, or open an issue")
    return found


def thread_local_words(tree):
    paths = [p for p in tree.cpp() if not re.match(r"(tests|bench)/", p)]
    found = matches(tree, paths, r"\bthread_local\b.*", "'{}': all state of a core hangs off its control block")
    return [v for v in found if "current_core" not in v]


def find_clang_format():
    for name in ("clang-format-14", "clang-format"):
        program = shutil.which(name)
        if program and " 14." in subprocess.run([program, "--version"], capture_output=True, text=True).stdout:
            return program
    return None


def format_of(tree):
    program = find_clang_format()
    if not program:
        return ["clang-format 14 is not installed: apt-get install clang-format-14"]
    if not tree.exists(".clang-format"):
        return [".clang-format is missing"]
    found = []
    on_disk = [p for p in tree.cpp() if p not in tree.planted]
    for start in range(0, len(on_disk), 50):
        run = subprocess.run([program, "--dry-run", "-Werror", "--style=file", *on_disk[start:start + 50]],
                             cwd=tree.root, capture_output=True, text=True)
        found += [line for line in run.stderr.split("\n") if ": error:" in line]
        if run.returncode != 0 and not run.stderr.strip():
            found.append(f"{program} failed with {run.returncode}")
    for path in tree.cpp():
        if path in tree.planted:
            run = subprocess.run([program, "--style=file", f"--assume-filename={path}"], cwd=tree.root,
                                 input=tree.planted[path], capture_output=True, text=True)
            if run.stdout != tree.planted[path]:
                found.append(f"{path}: not as {program} writes it")
    if found:
        found.append("what to do: clang-format-14 -i FILE...")
    return found


def anchors_of(text):
    """GitHub's anchors of a page's headings."""
    headings = re.findall(r"^#+\s+(.*?)\s*#*$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def links(tree):
    found = []
    for path in tree.having(".md"):
        text = re.sub(r"^```.*?^```", lambda m: "\n" * m.group(0).count("\n"), tree.text(path), flags=re.S | re.M)
        for number, line in enumerate(text.split("\n"), 1):
            for target in re.findall(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                file, _, anchor = target.partition("#")
                goal = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
                if goal.startswith("..") or not tree.exists(goal):
                    found.append(f"{path}:{number}: the link {target} leads nowhere")
                elif anchor and goal.endswith(".md") and anchor not in anchors_of(tree.text(goal)):
                    found.append(f"{path}:{number}: {goal} has no heading for #{anchor}")
    return found


def samples(tree):
    """A block after `<!-- tested: FILE -->` must stand, line by line, in FILE, which a test compiles or runs."""
    found = []
    for path in tree.having(".md"):
        for mark in re.finditer(r"<!-- tested: (\S+) -->\s*\n(?:```\w*\n(.*?)^```)?", tree.text(path), re.S | re.M):
            file, block = mark.groups()
            place = f"{path}:{tree.text(path)[: mark.start()].count(chr(10)) + 1}: "
            if not tree.exists(file):
                found.append(place + f"the sample's file {file} does not exist")
            elif block is None:
                found.append(place + "no code block follows the mark")
            elif not file.startswith(("examples/", "tests/")):
                found.append(place + f"{file} is compiled by no test: samples live in examples/ or tests/")
            else:
                lines = [line.strip() for line in block.split("\n") if line.strip()]
                have = [line.strip() for line in tree.text(file).split("\n") if line.strip()]
                if not any(have[i:i + len(lines)] == lines for i in range(len(have) - len(lines) + 1)):
                    found.append(place + f"the sample differs from {file}")
    return found


RULES = {
    "line_length": line_length, "spdx": spdx, "file_size": file_size, "atomics": atomics, "sync_sites": sync_sites,
    "includes": includes, "wording": wording, "thread_local": thread_local_words, "format": format_of, "links": links,
    "samples": samples,
}


def main():
    parser = argparse.ArgumentParser(description="Checks the rules that no compiler checks.")
    parser.add_argument("--root", default=Path(__file__).resolve().parents[2])
    parser.add_argument("rules", nargs="*", metavar="RULE", help=", ".join(RULES))
    options = parser.parse_args()
    unknown = set(options.rules) - set(RULES)
    if unknown:
        parser.error(f"no rule is called {', '.join(sorted(unknown))}; there are {', '.join(RULES)}")
    tree = Tree(options.root)
    if not tree.cpp():
        parser.error(f"{options.root} holds no source file")
    violations = [f"{v}  [{name}]" for name in options.rules or RULES for v in RULES[name](tree)]
    print("\n".join(violations) if violations else "good")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
