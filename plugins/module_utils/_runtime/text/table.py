# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists as Docker's command line shows them: columns, spans of time, sizes, ``--format``. Pure."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..base.regex import regex
from . import template

_ACTION = regex(r"\{\{[^{}]*?\.([A-Za-z]+)[^{}]*\}\}")
_MINUTE, _HOUR = 60, 3600
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as Docker aligns them: at least ten wide, three blanks between."""
    widths = [max(7, *(len(cell) for cell in column)) for column in zip(*rows)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths)]
        yield "   ".join([*cells, row[-1]])


def listing(
    rows: Sequence[Mapping[str, Any]],
    headings: Mapping[str, str],
    columns: Sequence[str],
    form: str = "",
) -> Iterator[str]:
    """The lines of a list: a table of ``columns``, or as ``--format`` says.

    That is ``json``, a template for each row, or ``table`` and a template whose columns are
    separated by tabs. ``headings`` has the column titles of all fields.
    """
    if form == "json":
        plain_rows = ({k: v for k, v in row.items() if not callable(v)} for row in rows)
        for row in plain_rows:
            yield json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    elif form in ("", "table"):
        yield from table([[row[name] for name in columns] for row in (headings, *rows)])
    elif form.startswith("table "):
        form = form[len("table ") :].strip()
        # The heading of a column is that of its field, whatever functions stand around it.
        titles = template.render(_ACTION.sub(r"{{.\1}}", form), headings)
        lines = [titles, *(template.render(form, row) for row in rows)]
        yield from table([line.split("\t") for line in lines])
    else:
        yield from (template.render(form, row) for row in rows)


def duration(seconds: float) -> str:
    """A span of time as Docker words it (go-units, HumanDuration)."""
    if seconds < 1:
        return "Less than a second"
    if seconds < _MINUTE:
        return "1 second" if int(seconds) == 1 else f"{int(seconds)} seconds"
    if seconds < _HOUR:
        minutes = int(seconds // _MINUTE)
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    hours = int(seconds / _HOUR + 0.5)
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    for unit, name, until in ((24, "days", 14), (24 * 7, "weeks", 60), (24 * 30, "months", 730)):
        if hours < until * 24:
            return f"{hours // unit} {name}"
    return f"{hours // (24 * 365)} years"


def size(count: float) -> str:
    """Bytes as Docker shows them (go-units, HumanSizeWithPrecision): three digits, powers of
    1000.
    """
    for unit in _SIZES:
        text = f"{count:.3g}"
        if float(text) < 1000 or unit == _SIZES[-1]:
            return f"{float(text):g}{unit}"
        count /= 1000
    raise AssertionError("the last unit takes all")


def shortened(text: str, width: int) -> str:
    """A text of at most ``width`` characters, the last of them an ellipsis where it was longer."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def plain(text: str) -> str:
    """A text of unknown origin on one line and without what a terminal would obey."""
    kept = (c if not unicodedata.category(c).startswith("C") else " " for c in text)
    return " ".join("".join(kept).split())
