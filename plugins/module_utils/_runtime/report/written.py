# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a page to a file, compared with the page that is there."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Optional

from ..base import files
from ..base.errors import Error
from ..plan.plan import Host
from . import drift, facts
from .page import Run, page

#: More than that, in bytes, is none of our pages.
_LARGEST = 16 << 20


def written(host: Host, path: str, run: Optional[Run] = None) -> None:
    """Put a page at a path. A file there keeps its mode; a new one is for its owner alone. Raises
    Error where the directory is not there, or something else is in the place.
    """
    text, mode = there(path)
    files.write_atomic(Path(path), rendered(host, text, run).encode(), mode)


def rendered(host: Host, before: str = "", run: Optional[Run] = None) -> str:
    """The page of a host as it is, compared with an earlier one."""
    found = facts.read(host)
    old = drift.of_page(before)
    earlier = None if old is None else (float(old["moment"]), drift.since(old, found))
    return page(found, earlier, run)


def there(path: str) -> tuple[str, int]:
    """What is in the place of a page, and its mode; a link is replaced, and not followed. Raises
    Error where no page can be.
    """
    place = Path(path)
    if not place.parent.is_dir():
        raise Error(f"report: {place.parent} is not a directory", hint="make it before")
    try:
        fd = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return "", 0o600
    except OSError:
        if place.is_symlink():
            return "", 0o600
        raise
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise Error(f"report: {place} is not a file")
        return file.read(_LARGEST).decode("utf-8", "replace"), stat.S_IMODE(found.st_mode)
