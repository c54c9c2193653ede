# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams that are read ahead by a thread: the same bytes, digest, errors and end."""

from __future__ import annotations

import hashlib
import io
import random
import threading

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer.stream import (
    Ahead,
    Limits,
    Stream,
)

DATA = random.Random(1).randbytes(5_000_000)


class Source(io.BytesIO):
    """A stream that fails after so many bytes, if at all."""

    def __init__(self, data: bytes, fails_after: int = 1 << 60) -> None:
        super().__init__(data)
        self.fails_after = fails_after
        self.threads: set[int] = set()

    def read(self, size: int = -1, /) -> bytes:  # type: ignore[override]
        self.threads.add(threading.get_ident())
        if self.tell() >= self.fails_after:
            raise Error("the source is broken")
        return super().read(size)


def test_the_bytes_and_their_digest_are_the_same() -> None:
    source = Source(DATA)
    with Ahead(source) as ahead:
        stream = Stream(ahead, Limits())
        found = b"".join(bytes(piece) for piece in stream.pieces(len(DATA)))
        assert stream.take(1) == b""
        assert stream.digest == "sha256:" + hashlib.sha256(DATA).hexdigest()
    assert found == DATA
    assert source.threads and threading.get_ident() not in source.threads
    # A reader that asks again after the end must not wait for ever.
    assert ahead.read(1) == b""


def test_an_error_comes_where_it_happened() -> None:
    with Ahead(Source(DATA, 1_000_000)) as ahead:
        taken = 0
        with pytest.raises(Error, match="the source is broken"):
            while piece := ahead.read(1):
                taken += len(piece)
        assert 1_000_000 <= taken < 2_000_000
        assert ahead.read(1) == b""


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_whoever_stops_early_ends_the_thread(pieces: int) -> None:
    source = Source(DATA)
    before = threading.active_count()
    with Ahead(source) as ahead:
        for dummy in range(pieces):
            ahead.read(1)
    assert threading.active_count() == before
    # It read no further than a little ahead.
    assert source.tell() < len(DATA)


def test_limits_hold_all_the_same() -> None:
    with Ahead(Source(DATA)) as ahead:
        stream = Stream(ahead, Limits(layer_bytes=1_000_000))
        with pytest.raises(Error, match="larger than 1000000 bytes"):
            stream.drain()
