# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SLIPWAY_TRACE=1 and ``slipway --debug``: steps, other programs and netlink, with their times.

Each line on stderr has the time since this module was imported and the duration, in milliseconds::

    trace      4.1      0.9  netlink  create the bridge sl-0b6a7e91
    trace      5.2      2.7  run      nft -j -f -

Only arguments are shown, never the environment, standard input or output: secrets are passed that
way. When off, a traced place costs one call.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Optional

_OFF: AbstractContextManager[None] = contextlib.nullcontext()
_BEGAN = time.monotonic()
#: Longer words, such as a script given to a shell, are cut.
_WORD_CHARS = 100

_on = os.environ.get("SLIPWAY_TRACE", "") not in ("", "0")


def enable() -> None:
    """Trace from now on, as with SLIPWAY_TRACE=1."""
    global _on
    _on = True


def timed(kind: str, *words: str, first: bool = False) -> AbstractContextManager[None]:
    """Tell what a block does when it ends, and with ``first`` also when it begins."""
    return _Timed(kind, words, first) if _on else _OFF


def _joined(words: tuple[str, ...]) -> str:
    import shlex

    return shlex.join(word[:_WORD_CHARS] for word in words)


class _Timed(AbstractContextManager[None]):
    def __init__(self, kind: str, words: tuple[str, ...], first: bool) -> None:
        self._kind = kind
        self._text = words[0] if len(words) == 1 else _joined(words)
        self._began = time.monotonic()
        if first:
            self._tell("...", "")

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        took = f"{1000 * (time.monotonic() - self._began):.1f}"
        self._tell(took, "" if kind is None else f" ({kind.__name__})")

    def _tell(self, took: str, outcome: str) -> None:
        since = 1000 * (self._began - _BEGAN)
        text = self._text.encode("unicode_escape").decode("ascii")
        # One write, so that lines of several threads stay apart.
        sys.stderr.write(f"trace {since:8.1f} {took:>8}  {self._kind:<8} {text}{outcome}\n")
        sys.stderr.flush()
