#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Plants violations of every lint rule in a copy (in memory) of the repository; each must be found, where it stands.

Fails also if a rule has no canary here, or is not registered with CTest.
"""
import argparse
import sys

sys.dont_write_bytecode = True  # a test leaves nothing in the sources
import lint  # noqa: E402

SPDX = "// SPDX-License-Identifier: BSD-3-Clause\n"


def with_row(row, used=""):
    """A table of synchronisation sites with one more row, and a source that uses what is named."""
    def plant(tree):
        text = tree.text(lint.SYNC_TABLE)
        head = "#define COOPER_SYNC_TABLE(X)"
        begin = text.index("\\\n", text.index(head)) + 2
        planted = {lint.SYNC_TABLE: text[:begin] + f"  {row} \\\n" + text[begin:]}
        if used:
            planted["runtime/src/planted.cpp"] = SPDX + f"auto f() {{ return sync::{used}; }}\n"
        return planted
    return plant


# A pair of accesses with notes that answer each other.
NOTED = """// sync(planted.set) release <-> planted.get: why.
x.store(1, std::memory_order_release);
x.load(std::memory_order_acquire);  // sync(planted.get) acquire <-> planted.set: why
"""


def file(path, text):
    return lambda tree: {path: text}


# rule -> [(what to plant, what the violation must mention)]
CANARIES = {
    "line_length": [(file("runtime/src/planted.cpp", SPDX + "// " + "x" * 118 + "\n"), "planted.cpp:2")],
    "spdx": [(file("runtime/src/planted.cpp", "int x;\n"), "planted.cpp"),
             (file("tools/planted.sh", "#!/bin/sh\ntrue\n"), "planted.sh")],
    "file_size": [(file("runtime/include/cooper/runtime/planted.hpp", SPDX + "\n" * 400), "planted.hpp"),
                  (file("runtime/src/planted.cpp", SPDX + "\n" * 800), "planted.cpp")],
    "atomics": [(file("runtime/src/planted.cpp", SPDX + "std::atomic<int> x;\n"), "planted.cpp:2"),
                (file("runtime/src/channel_x.hpp", SPDX + "x.load(std::memory_order_relaxed);\n"), "channel_x.hpp:2"),
                (file("tools/src/planted.cpp", SPDX + "#include <atomic>\n"), "planted.cpp:2"),
                (file("runtime/src/planted.cpp", SPDX + NOTED + "\n\nx.load(std::memory_order_acquire);\n"),
                 "planted.cpp:7"),
                (file("runtime/src/planted.cpp", SPDX + NOTED + "x.fetch_add(1);\n"), "planted.cpp:5"),
                (file("runtime/src/planted.cpp", SPDX + "// sync(a.set) release <-> a.get: why\n"), "<-> a.get"),
                (file("actors/src/planted.cpp", SPDX + "std::atomic<int> x;\n"), "planted.cpp:2"),
                (file("actors/src/planted.cpp", SPDX + "// sync(a.set) release <-> a.get: why\n"), "<-> a.get")],
    "sync_sites": [
        (with_row('X(planted_idle, relaxed, "a reason")'), "planted_idle is never used"),
        (with_row('X(planted, release, "no other end")', "planted"), "must name the other end"),
        (with_row('X(planted, release, "<-> nobody: a reason")', "planted"), "no such site"),
        (with_row('X(planted, release, "<-> line_publish: a reason")', "planted"), "does not say '<-> planted'"),
        (with_row('X(planted, relaxed, "")', "planted"), "has no note"),
        (file(lint.SYNC_TABLE, SPDX + "#pragma once\n"), "cannot be read")],
    "includes": [
        (file("runtime/src/channel.cpp", SPDX + "#include <hwloc.h>\n"), "topology"),
        (file("runtime/include/cooper/runtime/planted.hpp", SPDX + "#include <boost/asio.hpp>\n"), "Asio"),
        (file("runtime/src/planted.cpp", SPDX + "#include <caf/all.hpp>\n"), "CAF"),
        (file("tools/src/planted.cpp", SPDX + "#include <caf/all.hpp>\n"), "CAF"),
        (file("runtime/src/planted.cpp", SPDX + "#include <cooper/actors/spawn.hpp>\n"), "runtime must not"),
        (file("runtime/vocabulary/src/planted.cpp", SPDX + "#include <cooper/runtime/sync.hpp>\n"),
         "vocabulary must not"),
        (file("protocols/src/planted.cpp", SPDX + "#include <cooper/runtime/sync.hpp>\n"), "protocols must not"),
        (file("runtime/src/planted.cpp", SPDX + '#include "../../bench/support/floor.hpp"\n'), "nobody else's"),
        (file("actors/src/planted.cpp", SPDX + '#include "driver_send.hpp"\n'), "nobody else's"),
        (file("actors/src/planted.cpp", SPDX + '#include "../../runtime/src/driver_send.hpp"\n'), "nobody else's"),
        (file("runtime/include/cooper/runtime/planted.hpp", SPDX + '#include "ring.hpp"\n'), "not installed")],
    "wording": [(file("runtime/src/planted.cpp", SPDX + "// TO" + "DO: later\n"), "planted.cpp:2"),
                (file("docs/planted.md", "FIX" + "ME\n"), "planted.md:1")],
    "thread_local": [(file("runtime/src/planted.cpp", SPDX + "static thread_local int x;\n"), "planted.cpp:2")],
    "format": [(file("runtime/src/planted.cpp", SPDX + "int  f( ){return 1 ;}\n"), "planted.cpp")],
    "links": [(file("docs/planted.md", "[a](nowhere.md)\n"), "nowhere.md"),
              (file("docs/planted.md", "# Here\n[a](#there)\n"), "#there")],
    "samples": [
        (file("docs/planted.md", "<!-- tested: examples/none.cpp -->\n```cpp\nint x;\n```\n"), "does not exist"),
        (file("docs/planted.md", "<!-- tested: tests/support/main.cpp -->\n```cpp\nint absent;\n```\n"), "differs"),
        (file("docs/planted.md", "<!-- tested: tests/support/main.cpp -->\nno block\n"), "no code block"),
        (file("docs/planted.md", "<!-- tested: LICENSE -->\n```\nx\n```\n"), "compiled by no test")],
}

# What must not be found: correct text that a careless rule would refuse.
INNOCENT = {
    "atomics": file("runtime/src/planted.cpp", SPDX + "// std::atomic is named here only\n" + NOTED),
    "thread_local": file("runtime/src/planted.cpp", SPDX + "thread_local core* current_core = nullptr;\n"),
    "includes": file("actors/src/planted.cpp", SPDX + "#include <caf/all.hpp>\n#include <cooper/skb/facts.hpp>\n"
                     '#include "core_unit.hpp"\n'),
    "format": file("runtime/src/planted.cpp", SPDX + "int f() { return 1; }\n"),
    "links": file("docs/planted.md", "# Here it is\n[a](#here-it-is) [b](https://example.org) `[c](d)`\n"),
    "samples": file("docs/planted.md",
                    "<!-- tested: tests/support/main.cpp -->\n```cpp\n#include <doctest/doctest.h>\n```\n"),
}


def main():
    parser = argparse.ArgumentParser(description="Fails unless every lint rule catches what is planted for it.")
    parser.add_argument("--root", required=True)
    parser.add_argument("--registered", nargs="+", required=True, help="the rules that CTest runs")
    options = parser.parse_args()
    failures = [f"{rule}: has no canary" for rule in set(lint.RULES) - set(CANARIES)]
    failures += [f"{rule}: not registered with CTest" for rule in set(lint.RULES) - set(options.registered)]
    clean = lint.Tree(options.root)
    caught = 0
    for rule, plants in CANARIES.items():
        before = set(lint.RULES[rule](clean))
        for plant, mention in plants:
            new = set(lint.RULES[rule](lint.Tree(options.root, plant(clean)))) - before
            if any(mention in violation for violation in new):
                caught += 1
            else:
                failures.append(f"{rule}: did not catch its canary ('{mention}'); it found {sorted(new) or 'nothing'}")
        if rule in INNOCENT:
            planted = INNOCENT[rule](clean)
            new = [v for v in set(lint.RULES[rule](lint.Tree(options.root, planted))) - before if "planted" in v]
            failures += [f"{rule}: refused what is right: {violation}" for violation in new]
    print("\n".join(failures) if failures else f"{caught} canaries caught by {len(lint.RULES)} rules")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
