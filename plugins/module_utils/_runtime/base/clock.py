# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as records hold them: RFC 3339 in UTC with nanoseconds, which sort as text."""

from __future__ import annotations

import datetime
import time
from typing import Optional


def now() -> str:
    """The time as records hold it: RFC 3339 in UTC with nanoseconds."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def seconds(moment: str) -> Optional[float]:
    """A time of a record in seconds since the epoch; None when it is empty."""
    if not moment:
        return None
    whole, dummy, fraction = moment.rstrip("Z").partition(".")
    parsed = datetime.datetime.fromisoformat(whole)
    return parsed.replace(tzinfo=datetime.timezone.utc).timestamp() + float(f"0.{fraction or 0}")
