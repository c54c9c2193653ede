# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of a file's content, the same on the controller and on the host.

It is the SHA-256, or from 64 MiB on ``chunks:`` and the SHA-256 over the size and those parts of
1 MiB that are not zero, each with its offset: larger files may be holes for the most part, and
these need not be read as the zeros they stand for.
"""

from __future__ import annotations

import hashlib
from typing import Callable

CHUNK = 1 << 20
LARGE = 64 << 20


def digest(read: Callable[[int], bytes], size: int) -> str:
    """Of what ``read`` returns; ``size`` is how much that is."""
    if size < LARGE:
        plain = hashlib.sha256()
        while part := read(CHUNK):
            plain.update(part)
        return plain.hexdigest()
    whole = hashlib.sha256(size.to_bytes(8, "big"))
    at = 0
    while part := _chunk(read):
        if any(part):
            whole.update(at.to_bytes(8, "big") + hashlib.sha256(part).digest())
        at += len(part)
    return f"chunks:{whole.hexdigest()}"


def _chunk(read: Callable[[int], bytes]) -> bytes:
    """A whole chunk, or what is left."""
    data = read(CHUNK)
    while data and len(data) < CHUNK:
        more = read(CHUNK - len(data))
        if not more:
            break
        data += more
    return data
