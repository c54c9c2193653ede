# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What long work says of itself while it is done, in Docker's words; others show it.

Nothing is said, and nothing counted, where nobody watches.
"""

from __future__ import annotations

from typing import Callable, Protocol

#: Told of a thing, such as a layer by twelve digits; what is done to it; how many bytes are done;
#: and of how many, 0 where nobody knows. With no byte done it is a step that takes no time, which
#: is a line of its own where there is no terminal. Threads call it at once.
Watch = Callable[[str, str, int, int], None]

#: Told how many bytes are done by now. An attempt that failed begins at a lower number again.
Count = Callable[[int], None]

PULLING, DOWNLOADING, DOWNLOADED = "Pulling fs layer", "Downloading", "Download complete"
EXTRACTING, PULLED, EXISTS = "Extracting", "Pull complete", "Already exists"
PREPARING, PUSHING, PUSHED = "Preparing", "Pushing", "Pushed"
PRESENT, MOUNTED = "Layer already exists", "Mounted from"
LOADING, LOADED = "Loading layer", "Loaded layer"
SAVING, SAVED = "Saving layer", "Saved layer"
IMPORTING, IMPORTED = "Importing", "Imported"
TO_CONTAINER, FROM_CONTAINER = "Copying to container", "Copying from container"

_ENDS = (PULLED, EXISTS, PUSHED, PRESENT, MOUNTED, LOADED, SAVED, IMPORTED)


def ends(status: str) -> bool:
    """Whether nothing follows what is said of a thing."""
    return status.startswith(_ENDS)


def fetched(status: str) -> bool:
    """Whether all bytes of a thing are here, and what is left is unpacking them."""
    return status in (DOWNLOADED, EXTRACTING) or ends(status)


def named(digest: str) -> str:
    """What a layer is called: the first twelve digits of its digest."""
    return digest.partition(":")[2][:12]


class Readable(Protocol):
    def read(self, size: int, /) -> bytes:
        """The next bytes, at most ``size``; none at the end."""


class Counted:
    """A stream whose bytes are counted as they are read."""

    def __init__(self, source: Readable, count: Count) -> None:
        self._source = source
        self._count = count
        self._done = 0

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._done += len(data)
        self._count(self._done)
        return data
