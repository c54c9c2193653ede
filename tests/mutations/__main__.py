# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take each defence out of a copy of this tree, and see whether its test fails.

    python tests/mutations                     # all of them: N of N
    python tests/mutations --only digest ssh   # those with one of these words in the row
    python tests/mutations --list

A test counts as failed when pytest says that a test failed, not when it found none or could not
begin. Each test is first run as it is: one that fails anyway proves nothing.
"""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mutations.catalogue import ROWS
from mutations.row import ROOT, Row

#: No test of a row takes longer, even when it waits for what does not come without the defence.
_SECONDS = 120
_PASSED, _FAILED = 0, 1


def _asked() -> Namespace:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="WORD", default=[])
    parser.add_argument("--list", action="store_true", help="print the rows and run nothing")
    return parser.parse_args()


def _copied(target: Path) -> None:
    """The files of this tree, as they are now, and the environments of ./check."""
    git = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(
        [*git, "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    (target / ".build").mkdir()
    (target / ".build" / "check").symlink_to(ROOT / ".build" / "check")


def _run(tree: Path, test: str) -> tuple[int, str]:
    """pytest's status for one test in a sandbox, and what it said in the end."""
    # Of the unit tests some need Ansible.
    venv = "venv" if test.startswith("unit/") else "host-venv"
    python = str(ROOT / ".build" / "check" / venv / "bin" / "python")
    options = ["-x", "-q", "-p", "no:cacheprovider", "--timeout", str(_SECONDS)]
    argv = ["tests/sandbox", python, "-B", "-m", "pytest", *options, f"tests/{test}"]
    done = subprocess.run(
        argv, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    # pytest leaves with 1 as well when a fixture fails; the summary tells a test from that.
    failed = any(line.startswith("FAILED ") for line in lines)
    status = done.returncode if done.returncode != _FAILED or failed else -1
    return status, "\n".join(lines[-15:])


def _without(row: Row, tree: Path) -> tuple[int, str]:
    """The same without a defence, which is back afterwards."""
    path = tree / row.path
    text = path.read_text()
    path.write_text(row.applied(text))
    try:
        return _run(tree, row.test)
    finally:
        path.write_text(text)


def _tried(row: Row, trees: queue.Queue[Path]) -> tuple[bool, str]:
    """Whether the test of a row misses its defence, and a line about it, or more."""
    began = time.monotonic()
    tree = trees.get()
    try:
        # As it is, first: one that fails anyway proves nothing.
        status, said = _run(tree, row.test)
        verdict = f"FAILS ANYWAY ({status})"
        if status == _PASSED:
            status, said = _without(row, tree)
            verdict = "missed" if status == _FAILED else f"NOT MISSED ({status})"
    finally:
        trees.put(tree)
    line = f"{verdict:12} {row.defence} ({time.monotonic() - began:.0f} s)"
    if verdict == "missed":
        return True, line
    return False, f"{line}\n    {row.test}\n    " + said.replace("\n", "\n    ")


def main() -> int:
    asked = _asked()
    rows = [row for row in ROWS if not asked.only or any(word in str(row) for word in asked.only)]
    for row in rows:
        row.check()
        if asked.list:
            print(f"{row.defence}: {row.file}, {row.test}")
    if asked.list:
        return 0
    missed = 0
    with tempfile.TemporaryDirectory(prefix="slipway-mutations-") as directory:
        Path(directory).chmod(0o755)
        trees: queue.Queue[Path] = queue.Queue()
        for number in range(os.cpu_count() or 1):
            tree = Path(directory, str(number))
            tree.mkdir()
            _copied(tree)
            trees.put(tree)
        with ThreadPoolExecutor(trees.qsize()) as pool:
            for done, line in pool.map(lambda row: _tried(row, trees), rows):
                missed += done
                print(line, flush=True)
    print(f"{missed} of {len(rows)} defences are missed by their tests")
    return 0 if missed == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
