#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A table of the lines of Cooper's modules that the tests of a coverage build have reached.

    coverage.py BUILD_FOLDER       needs gcov-12; exits 1 if there is nothing to count
"""
import collections
import json
import subprocess
import sys
from pathlib import Path


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    root = Path(__file__).resolve().parents[1]
    build = Path(sys.argv[1]).resolve()
    data = sorted(build.rglob("*.gcda"))
    hits = collections.defaultdict(lambda: collections.defaultdict(int))
    for start in range(0, len(data), 20):
        run = subprocess.run(["gcov-12", "--json-format", "--stdout", *map(str, data[start:start + 20])], cwd=build,
                             capture_output=True, text=True, check=True)
        for report in run.stdout.splitlines():
            for file in json.loads(report)["files"]:
                path = (build / file["file"]).resolve()
                if path.is_relative_to(root) and path.relative_to(root).parts[0] not in ("tests", "build"):
                    for line in file["lines"]:
                        hits[str(path.relative_to(root))][line["line_number"]] += line["count"]
    if not hits:
        print(f"{build} holds no coverage data of Cooper's own files", file=sys.stderr)
        return 1
    lines_all = reached_all = 0
    print(f"{'lines':>7} {'reached':>8}")
    for path, lines in sorted(hits.items()):
        reached = sum(1 for count in lines.values() if count)
        lines_all, reached_all = lines_all + len(lines), reached_all + reached
        print(f"{len(lines):>7} {100 * reached / len(lines):>7.1f}%  {path}")
    print(f"{lines_all:>7} {100 * reached_all / lines_all:>7.1f}%  in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
