# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program says, and asks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Callable

from ...base.errors import Error
from ...plan.plan import Host

#: The verb of this command line.
_verb = [""]


def begin(verb: str) -> None:
    """Say which verb it is that speaks: what is wrong is told in its flags."""
    _verb[0] = verb


def say(line: object) -> None:
    """A line of what was asked for."""
    sys.stdout.write(f"{line}\n")


def complain(line: object) -> None:
    """A line next to it; an error in the words of the command line."""
    if isinstance(line, Error):
        from ..line.flag_names import in_flags

        line = in_flags(line, _verb[0])
    sys.stderr.write(f"slipway: {line}\n")


def ask(question: str) -> str:
    """A line from whoever sits there; the empty text at the end of the input."""
    sys.stdout.write(question)
    sys.stdout.flush()
    return sys.stdin.readline().strip()


def agreed(what: str) -> bool:
    """Whether whoever sits there agrees to what is about to be removed."""
    return ask(f"{what}Are you sure you want to continue? [y/N] ").lower() in ("y", "yes")


def each(host: Host, names: Sequence[str], act: Callable[[str], object]) -> int:
    """Do one thing to several containers, naming each that it was done to, as Docker does."""
    from ...records import container_record

    failed = False
    for name in names:
        try:
            act(container_record.identify(host.layout, name))
            say(name)
            sys.stdout.flush()
        except Error as exc:
            complain(exc)
            failed = True
    return int(failed)
