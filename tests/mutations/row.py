# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A defence, what it looks like in the code, and the test that misses it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = "plugins/module_utils/_runtime"


class Misfit(AssertionError):
    """A row names code or a test that is not there any more, or not once."""


@dataclass(frozen=True)
class Row:
    """``defence`` is in the words of the page. In ``file``, below the library, ``old`` is there
    once, and ``new`` takes its place. ``test`` is FILE::NAME below tests/, where NAME may end with
    the name of a case in brackets.
    """

    defence: str
    file: str
    old: str
    new: str
    test: str

    @property
    def path(self) -> str:
        return f"{RUNTIME}/{self.file}"

    def applied(self, text: str) -> str:
        """The text of the file without the defence."""
        if text.count(self.old) != 1:
            raise Misfit(f"{self.path} has {self.old!r} {text.count(self.old)} times")
        return text.replace(self.old, self.new)

    def check(self, root: Path = ROOT) -> None:
        """Raises Misfit unless code and test are there, and what is left is Python."""
        changed = self.applied((root / self.path).read_text())
        try:
            compile(changed, self.path, "exec")
        except SyntaxError as exc:
            raise Misfit(f"{self.path} is not Python without {self.old!r}: {exc}") from exc
        file, dummy, name = self.test.partition("::")
        there = root / "tests" / file
        if not there.is_file() or f"def {name.partition('[')[0]}(" not in there.read_text():
            raise Misfit(f"there is no test {self.test}")
