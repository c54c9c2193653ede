# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters ``until`` and ``label`` that Docker prunes and lists by. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from ..base import clock
from ..base.errors import Error
from ..base.frozen import dataclass
from ..base.regex import regex

_SPAN = regex(r"\A(?:[0-9]+(?:\.[0-9]+)?(?:h|ms|m|s))+\Z", re.ASCII)
_PART = regex(r"([0-9]+(?:\.[0-9]+)?)(h|ms|m|s)", re.ASCII)
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True)
class Filters:
    """What is meant: made before ``until`` (seconds since the epoch), with all of ``labels`` and
    none of ``unlike``. A label is (name, value), or (name, None) whatever its value.
    """

    until: Optional[float] = None
    labels: tuple[tuple[str, Optional[str]], ...] = ()
    unlike: tuple[tuple[str, Optional[str]], ...] = ()

    def match(self, created: Optional[float], labels: Mapping[str, str]) -> bool:
        """Whether a thing is meant. One whose time nobody knows was not made before any."""
        if self.until is not None and (created is None or created >= self.until):
            return False
        return all(_has(labels, one) for one in self.labels) and not any(
            _has(labels, one) for one in self.unlike
        )


def parse(value: Mapping[str, Any], now: float, others: Iterable[str] = ()) -> Filters:
    """Read filters as an option or a command line gives them: until, label, label!.

    ``others`` are names the caller reads itself. Raises Error for an unknown filter.
    """
    known = ("until", "label", "label!", *others)
    for name in value:
        if name not in known:
            raise Error(f"unknown filter {name[:100]!a}", hint=f"known filters: {', '.join(known)}")
    until = value.get("until")
    return Filters(
        until=None if until is None else moment(str(until), now),
        labels=_labels(value.get("label")),
        unlike=_labels(value.get("label!")),
    )


def listed(value: Mapping[str, Any], known: Iterable[str]) -> dict[str, list[str]]:
    """Filters that list things, each with its alternatives: ``{"status": ["exited", "created"]}``.

    A value may be a text, a number, a truth value or a list of them. Raises Error for a name that
    is not ``known``.
    """
    found: dict[str, list[str]] = {}
    known = tuple(known)
    for name, given in value.items():
        if name not in known:
            raise Error(f"unknown filter {name[:100]!a}", hint=f"known filters: {', '.join(known)}")
        values = given if isinstance(given, (list, tuple)) else [given]
        found[name] = [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
    return found


def truth(name: str, values: Iterable[str]) -> bool:
    """A filter that is true or false; of several values the last counts."""
    text = next(reversed(list(values)), "").lower()
    if text not in ("true", "false", "1", "0", "yes", "no"):
        raise Error(f"{name} is {text[:60]!a}, expected true or false")
    return text in ("true", "1", "yes")


def labelled(asked: Mapping[str, Iterable[str]], labels: Mapping[str, str]) -> bool:
    """Whether labels are what the filters ``label`` and ``label!`` want, all of them."""
    wanted = Filters(
        labels=_labels(list(asked.get("label", ()))), unlike=_labels(list(asked.get("label!", ())))
    )
    return wanted.match(None, labels)


def moment(text: str, now: float) -> float:
    """A time as Docker takes it: ``10m`` or ``1h30m`` ago, seconds since the epoch, or RFC 3339,
    whole or only the date. A time without a zone is in UTC.
    """
    if re.match(r"\A[0-9]+(?:\.[0-9]+)?\Z", text, re.ASCII):
        return float(text)
    if _SPAN.match(text):
        return now - sum(float(count) * _UNITS_S[unit] for count, unit in _PART.findall(text))
    found = clock.seconds(text)
    if found is None:
        raise Error(
            f"until: {text[:60]!a} is not a time",
            hint="use 24h, 2026-01-31, or 2026-01-31T12:00:00Z",
        )
    return found


def _labels(value: Any) -> tuple[tuple[str, Optional[str]], ...]:
    if value is None:
        return ()
    texts = value if isinstance(value, (list, tuple)) else [value]
    pairs = (str(text).partition("=") for text in texts)
    return tuple((name, text if equals else None) for name, equals, text in pairs)


def _has(labels: Mapping[str, str], wanted: tuple[str, Optional[str]]) -> bool:
    name, value = wanted
    return name in labels and value in (None, labels[name])
