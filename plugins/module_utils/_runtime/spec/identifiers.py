# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be the name of a container, and what of a signal. Pure, and quick to import."""

from __future__ import annotations

import re
import signal

from ..base.errors import Error
from ..base.regex import regex

#: Docker's grammar; an id is 64 hex digits and may be shortened.
NAME = regex(r"\A[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}\Z", re.ASCII)


def is_name(text: str) -> bool:
    """Whether a text may be the name of a container, or an id."""
    return bool(NAME.match(text))


def signal_number(text: str) -> int:
    """A signal as users write it: TERM, SIGTERM, 15, SIGRTMIN+3."""
    name = text.strip().upper()
    if len(name) < 4 and name.isdecimal() and name.isascii() and 0 < int(name) <= signal.SIGRTMAX:
        return int(name)
    name = name if name.startswith("SIG") else f"SIG{name}"
    base, plus, offset = name.partition("+")
    if plus and base == "SIGRTMIN" and len(offset) < 3 and offset.isdecimal() and offset.isascii():
        number = signal.SIGRTMIN + int(offset)
        if number <= signal.SIGRTMAX:
            return number
    try:
        return signal.Signals[name].value
    except KeyError as exc:
        raise Error(
            f"{text[:40]!r} is not a signal", hint="use a signal such as SIGTERM, TERM or 15"
        ) from exc
