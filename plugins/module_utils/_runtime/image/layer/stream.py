# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incoming bytes of a layer: counted, hashed and limited, whatever they claim to be."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Optional, Protocol, Union

from ...base.errors import Error
from ...base.frozen import dataclass

#: Read ahead: large enough that hashing and reading cost little per entry, small beside our memory.
_CHUNK = 1 << 18
#: As many of those may wait for whoever writes files: two megabytes.
_AHEAD = 8


@dataclass(frozen=True)
class Limits:
    """What one layer may ask of us. Bytes, numbers of things, seconds.

    ``layer_bytes``: the uncompressed stream, and the apparent size of a sparse file. ``entries``:
    headers of any kind. ``path``: a name or link target. ``depth``: directories within directories;
    removal and comparison hold one descriptor for each. ``extension_bytes``: a PAX header or GNU
    long name. ``segments``: parts of a sparse file. ``reserve_bytes``: what must stay free on the
    filesystem.
    """

    layer_bytes: int = 20 << 30
    entries: int = 2_000_000
    path: int = 4095
    depth: int = 500
    extension_bytes: int = 1 << 20
    segments: int = 65536
    reserve_bytes: int = 64 << 20
    deadline_s: float = 3600.0


class Readable(Protocol):
    def read(self, size: int, /) -> bytes:
        """The next bytes, at most ``size``; none at the end."""


def text(name: bytes) -> str:
    """A name from an untrusted stream, as an error message may show it."""
    shown = name.decode("utf-8", "backslashreplace")
    return repr(shown if len(shown) <= 200 else shown[:200] + "…")


def malformed(what: str) -> Error:
    """The error for a layer that breaks the rules of tar; ``what`` says how."""
    return Error(
        f"the layer is not a well-formed tar archive: {what}",
        hint="the image is damaged or malicious: get it again from a trusted source",
    )


class Ahead:
    """A stream read and hashed by a thread of its own, a little ahead of whoever wants its bytes.

    Decompressing and hashing hold no interpreter lock, and neither does writing files, so they
    share two processors almost evenly. Use it in a ``with`` block, whose end lets go of ``source``.
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        #: Of everything, once ``read`` has returned b"".
        self.hash = hashlib.sha256()
        self._pieces: queue.Queue[Union[bytes, BaseException]] = queue.Queue(_AHEAD)
        self._unwanted = False
        self._ended = False
        self._thread = threading.Thread(target=self._pump, daemon=True)

    def __enter__(self) -> Ahead:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._unwanted = True
        while self._thread.is_alive():
            # It may be waiting for a free place.
            try:
                self._pieces.get(timeout=0.05)
            except queue.Empty:
                continue

    def read(self, size: int, /) -> bytes:
        """The next piece, whatever its size; the source's error when it had one."""
        if self._ended:
            return b""
        piece = self._pieces.get()
        if isinstance(piece, BaseException):
            self._ended = True
            raise piece
        self._ended = not piece
        return piece

    def _pump(self) -> None:
        try:
            while not self._unwanted:
                data = self._source.read(_CHUNK)
                self.hash.update(data)
                self._pieces.put(data)
                if not data:
                    return
        except BaseException as exc:
            # It belongs to the thread that reads.
            self._pieces.put(exc)


class Stream:
    """The uncompressed bytes of a layer: counted, hashed and limited as they pass."""

    def __init__(self, source: Readable, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._deadline = time.monotonic() + limits.deadline_s
        self._hashed = isinstance(source, Ahead)
        self._hash = source.hash if isinstance(source, Ahead) else hashlib.sha256()
        self._buffer = memoryview(b"")
        self.total = 0

    @property
    def digest(self) -> str:
        return "sha256:" + self._hash.hexdigest()

    def _fill(self) -> bool:
        data = self._source.read(_CHUNK)
        if not data:
            return False
        self.total += len(data)
        if self.total > self._limits.layer_bytes:
            raise Error(
                f"the layer is larger than {self._limits.layer_bytes} bytes when unpacked",
                hint="it may be a decompression bomb; raise the limit if you trust the image",
            )
        if time.monotonic() > self._deadline:
            raise Error(f"the layer took more than {self._limits.deadline_s:g} seconds to unpack")
        if not self._hashed:
            self._hash.update(data)
        self._buffer = memoryview(data)
        return True

    def take(self, size: int) -> bytes:
        """Exactly ``size`` bytes, or b"" at the end of the stream. The caller has bounded
        ``size``.
        """
        if len(self._buffer) >= size:
            data, self._buffer = bytes(self._buffer[:size]), self._buffer[size:]
            return data
        parts: list[bytes] = []
        while size:
            if not self._buffer and not self._fill():
                if parts:
                    raise malformed("it ends in the middle of an entry")
                return b""
            part = bytes(self._buffer[:size])
            self._buffer = self._buffer[len(part) :]
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def pieces(self, size: int) -> Iterator[memoryview]:
        """The next ``size`` bytes, in pieces as they come."""
        while size:
            if not self._buffer and not self._fill():
                raise malformed("it ends in the middle of an entry")
            piece = self._buffer[:size]
            self._buffer = self._buffer[len(piece) :]
            size -= len(piece)
            yield piece

    def some(self) -> bytes:
        """The next bytes, as many as come; b"" at the end."""
        if not self._buffer and not self._fill():
            return b""
        data, self._buffer = bytes(self._buffer), memoryview(b"")
        return data

    def skip(self, size: int) -> None:
        if size <= len(self._buffer):
            self._buffer = self._buffer[size:]
            return
        for dummy in self.pieces(size):
            pass

    def pass_padding(self, size: int) -> None:
        """Skip what fills up a block. The last entry may lack it: umoci insert ends its layers
        there, and Go's archive/tar takes them.
        """
        while size > len(self._buffer):
            size -= len(self._buffer)
            if not self._fill():
                self._buffer = memoryview(b"")
                return
        self._buffer = self._buffer[size:]

    def drain(self) -> None:
        """Read what follows the end of the archive: it is part of the layer's digest, not of its
        files.
        """
        self._buffer = memoryview(b"")
        while self._fill():
            self._buffer = memoryview(b"")
