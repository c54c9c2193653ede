# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Phrases that read as translated, in what users and readers of the code meet.

    python3 tests/tools/plain_english.py

Prints where they are. This list is the only one; ./check lint runs it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: What is never written (a pattern for one line, case ignored), and what is.
PHRASES = {
    r"(?<!there )\bis no (?!longer|more|less|larger|smaller|reason|proof)": "is not a",
    r"\ball that does not serve": "everything missing or unsuitable",
    r"\btells? of\b": "reports on, returns",
    r"\btakes .{0,40}\baway again": "removes",
    r"\bis nothing for\b": "refusing to ...",
    r"\bno end to wait for\b": "which it never does",
    r"\bthere is no (filter|field|function|option|driver) ": "unknown ...",
    r"\bis no error\b": "do not fail if",
    r"\bturn(s|ed)? (\w+ )?(log|logs) over\b|\blogs? (is|are|was|were) turned over": "rotated",
    r"\bin so many words\b": "explicitly",
    r"\b(comes|came|come) to nothing\b": "fails",
    r"\bbrings? (the old one|it) back\b": "restores",
    r"\bthe old one runs again\b": "was restarted",
    r"\blet it go on\b": "unfreeze",
    r"\blook at and clean up\b": "Manage",
    r"\bbring an image (from|to)\b": "download, upload",
    r"\bonly what the conditions\b": "filter output by condition",
    r"\ball that is known of\b": "detailed information on",
    r"\bwith what is special\b": "with special characters",
    r"\bfor want of\b": "for lack of",
    r"\bnobody means well\b": "hostile",
    r"\bare no objects\b": "removing ... is not supported",
    r"\bexclude each other\b": "are mutually exclusive",
    r"\bis not what was planned\b": "exited with ... right after its start",
    r"\bits last words\b": "last log lines",
    r"\bwhen nobody looks\b": "supervision",
    r"\bis (was )?cut short\b": "is interrupted",
    r"\bthat is to be waited for\b": "waits for",
    r"\bin place of all of it\b": "instead of all of it",
}

#: The corpora of texts: code and what is shown of it, documents, roles.
PLACES = ("plugins", "docs", "roles", "playbooks", "README.md", "CONTRIBUTING.md", "quickstart")


def found() -> Iterator[str]:
    """Each place of a phrase, and what to write."""
    patterns = {re.compile(phrase, re.IGNORECASE): instead for phrase, instead in PHRASES.items()}
    listed = subprocess.run(
        ["find", *PLACES, "-type", "f", "-not", "-name", "*.pyc"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    for name in sorted(listed.stdout.splitlines()):
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
            for pattern, instead in patterns.items():
                if pattern.search(line):
                    yield f"{name}:{number}: write {instead!r}: {line.strip()}"


def main() -> int:
    lines = list(found())
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
