# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as records hold them: RFC 3339 in UTC with nanoseconds, which sort as text."""

from __future__ import annotations

import datetime
import time
from typing import Optional


def now() -> str:
    """The time as records hold it."""
    return text(time.time_ns())


def text(nanoseconds: int, exact: bool = True) -> str:
    """A time since the epoch as RFC 3339 in UTC; to the second when it is not to be exact."""
    whole, fraction = divmod(nanoseconds, 1_000_000_000)
    moment = datetime.datetime.fromtimestamp(whole, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}{f'.{fraction:09d}' if exact else ''}Z"


def seconds(moment: str) -> Optional[float]:
    """An RFC 3339 time, of a record or of somebody else, in seconds since the epoch; None when it
    is empty or something else. Without a zone it is in UTC.
    """
    found = _parsed(moment)
    return None if found is None else found[0].timestamp() + float(f"0.{found[1] or 0}")


def nanoseconds(moment: str) -> Optional[int]:
    """The same, exactly, in nanoseconds."""
    found = _parsed(moment)
    if found is None:
        return None
    return int(found[0].timestamp()) * 1_000_000_000 + int(f"{found[1]:0<9.9}")


def _parsed(moment: str) -> Optional[tuple[datetime.datetime, str]]:
    """A time to the second, and the digits of its fraction."""
    # Python before 3.11 reads neither Z nor more or less than six digits of a second.
    whole, point, rest = moment.strip().partition(".")
    zone = rest.lstrip("0123456789")
    fraction = rest[: len(rest) - len(zone)]
    whole += zone
    if whole[-1:] in ("Z", "z"):
        whole = f"{whole[:-1]}+00:00"
    if point and not fraction:
        return None
    try:
        found = datetime.datetime.fromisoformat(whole)
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=datetime.timezone.utc)
    return found, fraction
