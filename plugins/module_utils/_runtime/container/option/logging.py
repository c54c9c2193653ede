# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about where the output of a container goes, and how much of it is kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...base.errors import Error
from ...base.frozen import dataclass
from ...spec.container import ContainerSpec
from ...spec.texts import texts
from .option import Option, bad
from .text import plain, size

FILE, LOCAL, JOURNAL, NONE = "json-file", "local", "journald", "none"
DRIVERS = (FILE, LOCAL, JOURNAL, NONE)

#: What each driver understands; Docker's others need a program of their own to read them.
_KNOWN = {
    FILE: ("max-size", "max-file"),
    LOCAL: ("max-size", "max-file"),
    JOURNAL: ("tag",),
    NONE: (),
}

#: Docker's: a local log is 5 files of 20 megabytes unless something else is said.
_LOCAL_BYTES, _LOCAL_FILES = 20 << 20, 5

_COUNT = re.compile(r"\A[0-9]{1,4}\Z", re.ASCII)
_PLACE = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")


@dataclass(frozen=True)
class Logging:
    """Where output goes: ``driver``, at most ``files`` files of about ``max_bytes`` (0: without
    limit), or the journal under ``tag``.
    """

    driver: str = FILE
    max_bytes: int = 0
    files: int = 1
    tag: str = ""

    @property
    def rotates(self) -> bool:
        """Whether somebody has to turn the file over; one file alone its monitor begins anew."""
        return self.max_bytes > 0 and self.files > 1


def log_driver(text: str) -> str:
    if text not in DRIVERS:
        raise bad("log_driver", text, f"known drivers: {', '.join(DRIVERS)}")
    return "" if text == FILE else text


def log_options(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as text, as Docker shows them."""
    found = texts("log_options", values, switches=True)
    return {name: plain("log_options", value) for name, value in found.items()}


def logging(spec: ContainerSpec) -> Logging:
    """What both options say together. Raises Error for what the driver does not understand."""
    driver, options = spec.log_driver or FILE, spec.log_options
    for name in options:
        if name not in _KNOWN[driver]:
            known = ", ".join(_KNOWN[driver]) or "none"
            raise Error(
                f"container {spec.name}: unknown option {name[:60]!r}",
                hint=f"known options: {known}",
            )
    if driver == JOURNAL:
        return Logging(driver, tag=_tag(spec, options.get("tag", "")))
    max_bytes = size("log_options: max-size", options["max-size"]) if "max-size" in options else 0
    count = options.get("max-file", "1")
    if not _COUNT.match(count) or int(count) < 1:
        raise bad("log_options: max-file", count, "it must be a number of files, at least 1")
    if driver == LOCAL:
        files = int(options.get("max-file", _LOCAL_FILES))
        return Logging(driver, max_bytes or _LOCAL_BYTES, files)
    if int(count) > 1 and not max_bytes:
        raise Error(
            f"container {spec.name}: max-file requires max-size",
            hint="a log is rotated when it reaches max-size",
        )
    return Logging(driver, max_bytes, int(count))


def _tag(spec: ContainerSpec, text: str) -> str:
    """Docker's template, of what is known before there is a container; ID is filled in later."""
    known = {"Name": spec.name, "ImageName": spec.image, "ID": "{{.ID}}", "FullID": "{{.FullID}}"}

    def value(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise bad("log_options: tag", text, f"known fields: {', '.join(sorted(known))}")
        return known[found[1]]

    return _PLACE.sub(value, text)


OPTIONS = (
    Option("log_driver", choices=DRIVERS, parse=log_driver, show=lambda value: value or FILE),
    Option("log_options", "dict", aliases=("log_opt",), parse=log_options),
)
